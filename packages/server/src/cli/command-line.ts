/** What can be asked of `sallyport`: a new command is a file beside this one and a line here. */

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { exitCodeOf, exitCodes, sentenceOf } from './failure.ts'

type Register = (program: Command) => void

/** Loaded when they are asked for: the server should not wait for the code of `apply`. */
const commands: Readonly<Record<string, () => Promise<Register>>> = {
  dev: async () => (await import('./dev.ts')).registerDev,
  serve: async () => (await import('./serve.ts')).registerServe,
  apply: async () => (await import('./apply.ts')).registerApply,
  diff: async () => (await import('./diff.ts')).registerDiff,
  export: async () => (await import('./export.ts')).registerExport,
  inspect: async () => (await import('./inspect.ts')).registerInspect,
  revoke: async () => (await import('./revoke.ts')).registerRevoke,
  credentials: async () => (await import('./credentials.ts')).registerCredentials,
  secrets: async () => (await import('./secrets.ts')).registerSecrets,
  notices: async () => (await import('./notices.ts')).registerNotices,
  keys: async () => (await import('./keys.ts')).registerKeys,
  operators: async () => (await import('./operators.ts')).registerOperators,
  manage: async () => (await import('./manage/register.ts')).registerManage,
  completion: async () => (await import('./manage/completion.ts')).registerCompletion,
  audit: async () => (await import('./audit.ts')).registerAudit,
  federation: async () => (await import('./federation.ts')).registerFederation,
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
export async function runCommandLine(asked: string | undefined): Promise<void> {
  try {
    const program = createProgram()
    // Completion is about all the others.
    const named = Object.entries(commands).filter(([name]) => name === asked && name !== 'completion')
    for (const [, load] of named.length > 0 ? named : Object.entries(commands)) (await load())(program)
    await program.parseAsync()
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n`)
    process.exit(exitCodeOf(error))
  }
}
