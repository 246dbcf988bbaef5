/** `sallyport keys`: the signing keys of tenants and their rotation, and the master key's. */

import type { Command } from 'commander'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { instantText } from '../inspect/instant-text.ts'
import { type Replaced, replaceAtOnce, retireAtOnce } from '../keys/emergency.ts'
import { type KeyReport, reportKeys } from '../keys/report.ts'
import {
  isSelected,
  type RotationDeps,
  rotateTenant,
  type Selection,
  startRotation,
} from '../keys/rotation.ts'
import { keySetMaxAgeSeconds, retiresAt, rotationRules } from '../keys/rotation-schedule.ts'
import { masterKeyPath, type OpenStore } from '../open-store.ts'
import { listTenantIds, loadTenant } from '../store/tenants.ts'
import { commandActor } from './actor.ts'
import { readNewKey, resealForList, rotateKeyFile } from './rotate-master-key.ts'
import { locateStore, type StoreOptions, storeOptions, withStore } from './store-options.ts'
import { table } from './table.ts'

interface Options extends StoreOptions {
  readonly tenant?: string
  readonly all?: boolean
  readonly algorithm?: string
  readonly api?: string
  readonly emergency?: boolean
  readonly newMasterKeyFile?: string
}

/** What a subcommand answers: for machines, and for people. */
interface Answer {
  readonly json: object
  /** Null where it was printed while it was done. */
  readonly text: string | null
  /** True where the answer is no. */
  readonly isRefused?: boolean
}

type Work = (store: OpenStore, options: Options) => Promise<Answer>

export function registerKeys(group: Command): void {
  ofTenants(group, 'list', 'the signing keys, and what becomes of each', list)
  ofTenants(group, 'rotate', 'begin a rotation now: a new key, published before it signs', rotate)
    .option(
      '--emergency',
      'a key has leaked: a new one signs at once, and all that the old ones signed is dead',
    )
    .option('--all', 'with --emergency: every tenant')
  ofTenants(group, 'retire', 'take keys that sign no more out of use, once no token needs them', retire)
    .option('--emergency', 'even if tokens need them: those are then dead')
    .option('--all', 'with --emergency: every tenant')
  add(group, 'rotate-master', 'seal everything by a new master key', rotateMaster)
    .option('--new-master-key-file <file>', 'the new key of the embedded database (default: a random one)')
    .addHelpText(
      'after',
      '\nWith a master key of your own give all nodes the list new,old first; see docs/operations.md.',
    )
}

const ofTenants = (group: Command, name: string, description: string, work: Work): Command =>
  add(group, name, description, work)
    .option('--tenant <id>', 'one tenant (default: all)')
    .option('--algorithm <name>', 'only keys of this algorithm')
    .option('--api <id>', 'only the keys of this API')

function add(group: Command, name: string, description: string, work: Work): Command {
  const command = group.command(name).description(description).option('--json', 'print JSON')
  return storeOptions(command).action(async (options: Options) => {
    const { json, text, isRefused } = await withStore(options, (store) => work(store, options), {
      isWriting: work !== list,
    })
    const answer = options.json ? JSON.stringify(json, null, 2) : text
    if (answer !== null) process.stdout.write(`${answer}\n`)
    if (isRefused) process.exitCode = 1
  })
}

async function tenantsOf({ db }: OpenStore, { tenant }: Options): Promise<readonly string[]> {
  const ids = await listTenantIds(db)
  if (tenant === undefined) return ids
  if (!ids.includes(tenant)) throw new ConfigRefused(`There is no tenant ${tenant}.`)
  return [tenant]
}

const selectionOf = ({ algorithm, api }: Options): Selection => ({ algorithm, apiId: api })

/** What ends tokens is never meant for every tenant by leaving a word out. */
function checkEmergency({ emergency, tenant, all }: Options): void {
  if (emergency && tenant === undefined && !all)
    throw new ConfigRefused('Name the tenant with --tenant, or say --all: --emergency ends tokens.')
}

const depsOf = ({ db, sealer }: OpenStore, command: string): RotationDeps => ({
  db,
  sealer,
  random: systemEffects.random,
  clock: systemEffects.clock,
  by: commandActor(`keys ${command}`),
  onEvent() {},
})

const list: Work = async (store, options) => {
  const reports = await reportsOf(store, options)
  return { json: reports.map(toJson), text: shown(reports) }
}

async function reportsOf(store: OpenStore, options: Options): Promise<readonly KeyReport[]> {
  const reports: KeyReport[] = []
  for (const tenantId of await tenantsOf(store, options)) {
    const keys = await reportKeys(store.db, tenantId, systemEffects.clock())
    reports.push(...keys.filter((key) => isSelected(key, selectionOf(options))))
  }
  return reports
}

function shown(reports: readonly KeyReport[]): string {
  if (reports.length === 0)
    return 'There are no such keys. A tenant makes its first one when it is first asked.'
  const rows = reports.map(({ tenantId, kid, algorithm, apiId, state, since, becomes }) => [
    ...[tenantId, kid, algorithm, apiId ?? '-', state, when(since)],
    becomes === null ? '-' : `${becomes.state} ${when(becomes.at)}`,
  ])
  return table([['TENANT', 'KEY', 'ALGORITHM', 'API', 'STATE', 'SINCE', 'BECOMES'], ...rows])
}

const when = (instant: number): string => instantText(instant).replace('.000Z', 'Z')

const toJson = ({ tenantId, kid, algorithm, apiId, state, since, becomes }: KeyReport) => ({
  ...{ tenant: tenantId, kid, algorithm, api: apiId, state, since, becomes },
})

const rotate: Work = async (store, options) => {
  checkEmergency(options)
  if (options.emergency) return replace(store, options)
  for (const tenantId of await tenantsOf(store, options))
    await startRotation(depsOf(store, 'rotate'), tenantId, selectionOf(options))
  const reports = await reportsOf(store, options)
  const note = 'A running server takes the steps that lie ahead, each when it is due.'
  return { json: reports.map(toJson), text: `${shown(reports)}\n${note}` }
}

const replace: Work = async (store, options) => {
  const all: ReplacedOf[] = []
  for (const tenantId of await tenantsOf(store, options)) {
    const done = {
      tenantId,
      ...(await replaceAtOnce(depsOf(store, 'rotate'), tenantId, selectionOf(options))),
    }
    // Cut off before the last tenant, it has still said whose tokens are dead.
    if (!options.json) process.stdout.write(`${all.length > 0 ? '\n' : ''}${replacedText(done)}\n`)
    all.push(done)
  }
  return {
    json: all.map(({ tenantId, gone, made }) => ({
      tenant: tenantId,
      retired: gone.map(({ kid }) => kid),
      active: made.map(({ kid }) => kid),
    })),
    text: null,
  }
}

type ReplacedOf = Replaced & { readonly tenantId: string }

function replacedText({ tenantId, gone, made }: ReplacedOf): string {
  const isPublished = made.some(({ apiId }) => apiId === null)
  return [
    `Tenant ${tenantId}:`,
    ...gone.map(
      ({ kid, algorithm }) => `  ${kid} (${algorithm}) is retired; every token it has signed is dead.`,
    ),
    ...made.map(({ kid, algorithm }) => `  ${kid} (${algorithm}) signs from now on.`),
    ...(gone.length + made.length === 0 ? ['  It has no such key.'] : []),
    ...(isPublished
      ? [
          `  Verifiers that keep the key set without asking again for a new key refuse new tokens for up to ${keySetMaxAgeSeconds} seconds.`,
        ]
      : []),
    ...(gone.length > 0 ? ['  Programs get new tokens when they ask again; nothing else must be done.'] : []),
  ].join('\n')
}

interface Kept {
  readonly kid: string
  /** Null where its tokens never end. */
  readonly until: number | null
}

const retire: Work = async (store, options) => {
  checkEmergency(options)
  const retired: string[] = []
  const kept: Kept[] = []
  for (const tenantId of await tenantsOf(store, options)) {
    const done = await retireOf(store, tenantId, options)
    // Cut off before the last tenant, it has still said whose tokens are dead.
    const lines = retiredText(done)
    if (!options.json && lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
    retired.push(...done.ended, ...done.killed)
    kept.push(...done.kept)
  }
  return {
    json: { retired, kept },
    text: retired.length + kept.length === 0 ? 'No key waits for its end.' : null,
    isRefused: kept.length > 0,
  }
}

interface Retired {
  readonly ended: readonly string[]
  readonly killed: readonly string[]
  readonly kept: readonly Kept[]
}

async function retireOf(store: OpenStore, tenantId: string, options: Options): Promise<Retired> {
  const ended: string[] = []
  const deps: RotationDeps = {
    ...depsOf(store, 'retire'),
    onEvent: ({ kid, state }) => void (state === 'retired' && ended.push(kid)),
  }
  // What is due is retired in any case.
  await rotateTenant(deps, tenantId)
  const { keys, rules } = await retiringKeys(store, tenantId, options)
  if (!options.emergency)
    return { ended, killed: [], kept: keys.map((key) => ({ kid: key.kid, until: retiresAt(key, rules) })) }
  await retireAtOnce(depsOf(store, 'retire'), tenantId, keys)
  return { ended, killed: keys.map(({ kid }) => kid), kept: [] }
}

const retiredText = ({ ended, killed, kept }: Retired): readonly string[] => [
  ...ended.map((kid) => `${kid} is retired; no token of it lives.`),
  ...killed.map((kid) => `${kid} is retired; every token it has signed is dead.`),
  ...kept.map(keptText),
]

const keptText = ({ kid, until }: Kept): string =>
  until === null
    ? `${kid} stays: tokens that it has signed never end. --emergency retires it, and ends them.`
    : `${kid} stays until ${when(until)}: tokens that it has signed may live. --emergency ends them.`

async function retiringKeys({ db }: OpenStore, tenantId: string, options: Options) {
  const record = await loadTenant(db, tenantId)
  if (record === null) throw new ConfigRefused(`There is no tenant ${tenantId}.`)
  const keys = record.signingKeys.filter(
    (key) => key.state === 'retiring' && isSelected(key, selectionOf(options)),
  )
  return { keys, rules: rotationRules(record, systemEffects.clock()) }
}

const rotateMaster: Work = async (store, options) => {
  const location = await locateStore(options)
  const { newMasterKeyFile: newFile } = options
  const deps = {
    ...{ db: store.db, sealer: store.sealer, random: systemEffects.random },
    by: commandActor('keys rotate-master'),
  }
  if (location.master_key !== null) {
    if (newFile !== undefined)
      throw new ConfigRefused(
        'The master key is one that you hand in: put the new one first in that list, before the old one.',
      )
    return masterAnswer(await resealForList(deps), 'your list')
  }
  const file = masterKeyPath(location.data_folder)
  const newKey = newFile === undefined ? null : readNewKey(newFile)
  return masterAnswer(await rotateKeyFile(file, newKey, deps), file)
}

function masterAnswer(
  { resealed, left }: { readonly resealed: number; readonly left: number },
  place: string,
): Answer {
  const isYours = place === 'your list'
  const done = isYours
    ? 'The others may be dropped from your list, once no node seals by one of them: every node must have the first key first.'
    : `The old one is gone from ${place}.`
  const lines =
    left > 0
      ? [
          `${left} secrets are still sealed by an older master key: keep it in ${place}.`,
          'Somebody writes with it: give every node the new key first, then run this again.',
        ]
      : [
          `Everything is sealed by the first master key; ${resealed} secrets were sealed anew.`,
          done,
          'Backups made before now open with the old key only: keep it with them.',
        ]
  return { json: { resealed, left, old_key_may_go: left === 0 }, text: lines.join('\n'), isRefused: left > 0 }
}
