/** `sallyport apps`: which apps stand in the store of this host, and what each proves itself with. */

import type { Command } from 'commander'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { instantText } from '../inspect/instant-text.ts'
import { type ListedApp, largestAppList, listAppsOf } from './list-apps.ts'
import { jsonText } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'
import { table } from './table.ts'

interface ListOptions extends StoreOptions {
  readonly tenant?: string
  readonly organization?: string
  readonly after?: string
  readonly limit: string
}

interface ShowOptions extends StoreOptions {
  readonly tenant: string
}

export async function registerApps(group: Command, [, verb = '']: readonly string[]): Promise<void> {
  const changes = '\nChanges are made by sallyport manage apps …, or declared in a blueprint and applied.'
  group.addHelpText('after', changes)
  registerList(group)
  registerShow(group)
  await registerHint(group, verb)
}

function registerList(group: Command): void {
  const command = group
    .command('list', { isDefault: true })
    .description('the apps of a tenant or of all, whether they can get tokens, and when they last did')
    .option('--tenant <id>', 'one tenant (default: all)')
    .option('--organization <id>', 'with --tenant: one organization of it')
    .option('--limit <number>', `how many at most, 1 to ${largestAppList}`, '50')
    .option('--after <client-id>', 'with --tenant: only what comes after this client id')
    .option('--json', 'print JSON')
  storeOptions(command).action(list)
}

async function list(options: ListOptions): Promise<void> {
  const { json, ...wanted } = options
  const page = { ...wanted, limit: readLimit(options.limit), now: systemEffects.clock() }
  const { apps, hasMore } = await withStore(options, ({ db }) => listAppsOf(db, page))
  process.stdout.write(`${json ? jsonText(apps) : listText(apps)}\n`)
  const last = apps.at(-1)
  if (hasMore && last !== undefined)
    process.stderr.write(
      `There are more: --limit shows up to ${largestAppList}; --tenant ${last.tenant} --after ${last.client_id} goes on in that tenant.\n`,
    )
}

function readLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d{1,9}$/.test(text) || limit < 1 || limit > largestAppList)
    throw new ConfigRefused(`--limit takes a number from 1 to ${largestAppList}.`)
  return limit
}

function listText(apps: readonly ListedApp[]): string {
  if (apps.length === 0) return 'There are none.'
  const rows = apps.map((app) => [
    ...[app.tenant, app.id, app.client_id, app.organization, app.state],
    ...[worthText(app), when(app.next_expiry), when(app.last_used_at)],
  ])
  const head = [
    'TENANT',
    'APP',
    'CLIENT ID',
    'ORGANIZATION',
    'STATE',
    'CREDENTIALS',
    'NEXT EXPIRY',
    'LAST USED',
  ]
  return table([head, ...rows])
}

const worthText = ({ credentials, good_credentials: good }: ListedApp): string =>
  credentials === 0 ? 'none' : `${good} of ${credentials} good`

const when = (instant: number | null): string =>
  instant === null ? 'never' : instantText(instant).replace('.000Z', 'Z')

function registerShow(group: Command): void {
  const command = group
    .command('show <client-id>')
    .description('one app with its settings and its credentials, never a secret; its own id will do too')
    .requiredOption('--tenant <id>', 'the tenant')
    .option('--json', 'print JSON')
  storeOptions(command).action(async (name: string, options: ShowOptions) => {
    const { describeApp } = await import('./describe-app.ts')
    const shown = await withStore(options, ({ db }) => describeApp(db, options.tenant, name))
    const { thingText } = await import('./manage/show.ts')
    process.stdout.write(`${options.json ? jsonText(shown) : thingText(shown)}\n`)
  })
}

/** Who knows a verb of the management API looks for it here. It is no command, so the Tab key does not offer it. */
async function registerHint(group: Command, verb: string): Promise<void> {
  if (['', 'help'].includes(verb) || group.commands.some((command) => command.name() === verb)) return
  const { describedOperations } = await import('../management/described-operations.ts')
  if (!describedOperations.some(({ command }) => command === `apps ${verb}`)) return
  group
    .command(verb, { hidden: true })
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() =>
      group.error(`error: unknown command 'apps ${verb}'\n(Did you mean manage apps ${verb}?)`, {
        exitCode: 2,
      }),
    )
}
