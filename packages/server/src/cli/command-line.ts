/** What can be asked of `sallyport`: a new command is a file beside this one and a line here. */

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { exitCodeOf, exitCodes, sentenceOf } from './failure.ts'
import { requireOptionsLast } from './required-options.ts'
import { onSameStore, type StoreFlags } from './same-store.ts'

/** Fills in what the command takes and does; its name and what it is for stand here. */
type Register = (command: Command, words: readonly string[]) => void | Promise<void>

interface Entry {
  /** What stands behind the name without a flag. */
  readonly takes?: string
  readonly about: string
  readonly load: () => Promise<Register>
}

/** Loaded when they are asked for: neither the server nor the help should wait for the code of `apply`. */
const commands: Readonly<Record<string, Entry>> = {
  dev: {
    about: 'run a development instance: five platforms as tenants, a certificate of its own, data in ./data',
    load: async () => (await import('./dev.ts')).registerDev,
  },
  serve: {
    about: 'run the server with a configuration of your own',
    load: async () => (await import('./serve.ts')).registerServe,
  },
  apply: {
    takes: '<file...>',
    about:
      'make the store as blueprint files say: checks everything, shows the changes, then makes them all or none',
    load: async () => (await import('./apply.ts')).registerApply,
  },
  diff: {
    takes: '<file...>',
    about: 'what apply would change, each value old → new; exit code 0 for nothing, 1 for something',
    load: async () => (await import('./diff.ts')).registerDiff,
  },
  export: {
    takes: '[tenant...]',
    about: 'write tenants as a blueprint, all of them or those named; no secret is ever in it',
    load: async () => (await import('./export.ts')).registerExport,
  },
  inspect: {
    takes: '[token]',
    about:
      'say what a token is, whether it is good or who has cut it off, and which endpoints it opens; or why an API refused, by the id of the refusal (reads standard input without TOKEN)',
    load: async () => (await import('./inspect.ts')).registerInspect,
  },
  token: {
    takes: '[tenant]',
    about: 'get an access token as a client does, and print it alone',
    load: async () => (await import('./token.ts')).registerToken,
  },
  revoke: {
    about: 'cut off at once every token issued until now: of an app, an organization, a user or a tenant',
    load: async () => (await import('./revoke.ts')).registerRevoke,
  },
  apps: {
    about: 'the apps in the store of this host: list, show',
    load: async () => (await import('./apps.ts')).registerApps,
  },
  credentials: {
    about: 'what an app proves itself with: list, add, rotate, expire, remove',
    load: async () => (await import('./credentials.ts')).registerCredentials,
  },
  secrets: {
    about: 'secrets that were found where they should not be',
    load: async () => (await import('./secrets.ts')).registerSecrets,
  },
  notices: {
    about: 'what the owners of secrets should hear: which were seen by others, which expire soon',
    load: async () => (await import('./notices.ts')).registerNotices,
  },
  keys: {
    about: 'signing keys and the master key: list, rotate, retire',
    load: async () => (await import('./keys.ts')).registerKeys,
  },
  backup: {
    takes: '<file>',
    about: 'copy the embedded database to a file while servers run; the master key is not in it',
    load: async () => (await import('./backup.ts')).registerBackup,
  },
  restore: {
    takes: '[file]',
    about: 'put a backup in the place of the database, and end what nobody can know to be good',
    load: async () => (await import('./restore.ts')).registerRestore,
  },
  operators: {
    about: 'who may use the management API: the first one is made here, others through the API',
    load: async () => (await import('./operators.ts')).registerOperators,
  },
  manage: {
    about: 'a server, near or far, over its management API',
    load: async () => (await import('./manage/register.ts')).registerManage,
  },
  completion: {
    about: 'print a script for a shell, after which the Tab key completes commands and flags',
    load: async () => (await import('./manage/completion.ts')).registerCompletion,
  },
  audit: {
    about: 'what was done and refused, in a chain of which nobody can change a record unseen',
    load: async () => (await import('./audit.ts')).registerAudit,
  },
  federation: {
    about: 'tokens of outside issuers as client authentication',
    load: async () => (await import('./federation.ts')).registerFederation,
  },
}

function versionOfPackage(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function createProgram(): Command {
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `  ${code}  ${meaning}`)
  const program = new Command('sallyport')
    .description('A self-hosted authorization server for API companies.')
    .version(`Sallyport ${versionOfPackage()}`)
    .showSuggestionAfterError()
    .showHelpAfterError('Add --help to see what is possible.')
    .addHelpText('after', `\nExit codes:\n${codes.join('\n')}`)
  // Commands inherit this when they are made, so it comes first.
  return program.exitOverride((error) => {
    // Commander has printed what it had to say; 2 is refused input.
    process.exit(error.exitCode === 0 ? 0 : 2)
  })
}

/** Ends the process itself when the command fails. */
export async function runCommandLine(given: readonly string[]): Promise<void> {
  process.stdout.on('error', tellUnprinted)
  let options: StoreFlags = {}
  try {
    const program = createProgram().hook('preAction', (_, asked) => {
      options = asked.opts()
    })
    const words = given.filter((word) => !word.startsWith('-'))
    for (const [name, { takes = '', about, load }] of Object.entries(commands)) {
      const command = program.command(`${name} ${takes}`).description(about)
      if (isAsked(name, words)) await (await load())(command, words)
    }
    requireOptionsLast(program)
    await refuseManagedNoun(program, words)
    await program.parseAsync()
  } catch (error) {
    if (!isClosedPipe(error)) process.stderr.write(`${onSameStore(sentenceOf(error), options)}\n`)
    process.exit(exitCodeOf(error))
  }
}

/** What is managed stands below `manage`, and not where people look for it first. */
async function refuseManagedNoun(program: Command, [asked = '']: readonly string[]): Promise<void> {
  if (asked === '' || asked === 'help' || Object.hasOwn(commands, asked)) return
  const { describedOperations } = await import('../management/described-operations.ts')
  const nouns = new Set(describedOperations.map(({ command }) => command.split(' ')[0]))
  const noun = [asked, `${asked}s`].find((name) => nouns.has(name))
  // A noun that is a command here as well was only misspelt.
  if (noun !== undefined && !Object.hasOwn(commands, noun))
    program.error(`error: unknown command '${asked}'\n(Did you mean manage ${noun}?)`, { exitCode: 2 })
}

/** Completion is about all the others. */
const isAsked = (name: string, [asked, topic]: readonly string[]): boolean =>
  asked === 'completion' || name === (asked === 'help' ? topic : asked)

/** Whoever reads has had enough, as `head` does. */
const isClosedPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EPIPE'

/** A command goes on: what it does may be done already, and only its words are lost. */
function tellUnprinted(error: Error): void {
  if (isClosedPipe(error)) return
  process.exitCode = 1
  process.stderr.write(
    `Standard output cannot be written: ${error.message}. What was asked for may be done all the same; a secret that was made and not shown is to be rotated.\n`,
  )
}
