/** What only the store can tell: rows that belong to others, names that are taken, and facts that are fixed for good. */

import type { AppSettings } from '../apps/settings.ts'
import type { ApiSettings } from '../tenants/settings.ts'
import type { Blueprint } from './blueprint.ts'
import { confusedWith } from './check-apps.ts'
import { checkStoredAttributes } from './check-stored-attributes.ts'
import type { Problem } from './problem.ts'
import { formOfFormat } from './proof.ts'
import {
  appKey,
  type Declared,
  type DeclaredRow,
  keyOf,
  type Noun,
  type Stored,
  type StoredRow,
} from './rows.ts'

export interface StoreCheck {
  readonly blueprints: readonly Blueprint[]
  readonly declared: readonly DeclaredRow[]
  readonly stored: readonly StoredRow[]
  /** Among the stored, what this run takes away. */
  readonly removed: readonly StoredRow[]
  /** Whether what no blueprint has made may be declared. */
  readonly adopt: boolean
  readonly hostHolders: ReadonlyMap<string, string>
}

/** What is declared of what is there already, with what is there. */
type Matched = ReadonlyMap<DeclaredRow, StoredRow>

export function checkAgainstStore(check: StoreCheck): Problem[] {
  const matched = match(check)
  return [
    ...checkOwners(matched, check.adopt),
    ...checkFixed(matched),
    ...checkKept(check, matched),
    ...checkSealable(check, matched),
    ...checkHosts(check),
    ...checkTargets(check),
    ...checkClientIds(check),
    ...checkStoredAttributes(check),
    ...checkRemovals(check),
  ]
}

function match({ declared, stored }: StoreCheck): Matched {
  const byKey = new Map(stored.map((row) => [keyOf(row), row]))
  const found = declared.map((row) => [row, byKey.get(keyOf(row))] as const)
  return new Map(found.filter((pair): pair is [DeclaredRow, StoredRow] => pair[1] !== undefined))
}

const problemAt = (row: DeclaredRow, member: string, found: string, expected: string): Problem =>
  row.blueprint.source.problem([...row.path, member], found, expected)

const ofNoun = <N extends Noun>(rows: readonly DeclaredRow[], noun: N): Declared<N>[] =>
  rows.filter((row): row is Declared<N> => row.noun === noun)

const storedOf = <N extends Noun>(rows: readonly StoredRow[], noun: N): Stored<N>[] =>
  rows.filter((row): row is Stored<N> => row.noun === noun)

/** The rows under each of their names: with 10,000 apps nobody may look through all rows for each row. */
function indexed<Row>(rows: readonly Row[], namesOf: (row: Row) => readonly string[]): Map<string, Row[]> {
  const named = rows.flatMap((row) => namesOf(row).map((name) => [name, row] as const))
  const byName = Map.groupBy(named, ([name]) => name)
  return new Map([...byName].map(([name, same]) => [name, same.map(([, row]) => row)]))
}

/** What stays of a noun whatever this run takes away. */
const keptOf = <N extends Noun>({ stored, removed }: StoreCheck, noun: N): Stored<N>[] => {
  const leaving = new Set(removed)
  return storedOf(stored, noun).filter((row) => !leaving.has(row))
}

function checkOwners(matched: Matched, adopt: boolean): Problem[] {
  return [...matched].flatMap(([row, { owner, address }]) => {
    const claimant = row.blueprint.file.blueprint
    if (owner === claimant || (owner === null && adopt)) return []
    const found = owner === null ? 'which was not made by a blueprint' : `which belongs to blueprint ${owner}`
    const free = `an id that is free for blueprint ${claimant}`
    const expected = owner === null ? `${free}, or --adopt to take it into that` : free
    return [problemAt(row, 'id', `${row.noun} ${address}, ${found}`, expected)]
  })
}

/** Facts that tokens and secrets in the field rest on. */
function checkFixed(matched: Matched): Problem[] {
  return [...matched].flatMap(([row, before]) => {
    if (row.noun === 'tenant' && before.noun === 'tenant') {
      const was = before.fields.environment
      if (row.fields.environment === was) return []
      return [
        problemAt(
          row,
          'environment',
          row.fields.environment,
          `${was}, as its secrets say; another tenant for the other`,
        ),
      ]
    }
    if (row.noun !== 'app' || before.noun !== 'app') return []
    const { organization, client_id: clientId } = before.fields
    const moved = row.fields.organization !== organization
    const renamed = row.fields.client_id !== null && row.fields.client_id !== clientId
    return [
      ...(moved
        ? [
            problemAt(
              row,
              'id',
              `an app of organization ${organization}`,
              'it to stay there; another app here',
            ),
          ]
        : []),
      ...(renamed
        ? [problemAt(row, 'client_id', 'another client id than the app has', `${clientId}, or a new app`)]
        : []),
    ]
  })
}

/** Nothing can be kept that is not there: whoever has the secret must say where it comes from. */
function checkKept({ declared }: StoreCheck, matched: Matched): Problem[] {
  return ofNoun(declared, 'credential').flatMap((row) => {
    if (row.proof.form !== 'secret' || row.proof.secret.kind !== 'kept') return []
    const before = matched.get(row)
    if (before?.noun === 'credential' && formOfFormat(before.verifier.format) === 'secret') return []
    const found = `kept, while the store has no secret of credential ${row.address}`
    return [problemAt(row, 'secret', found, 'where it comes from: generated, from_env, from_file or hash')]
  })
}

/** Only its hash is left of a secret that was generated, and a MAC needs the secret. */
function checkSealable({ stored }: StoreCheck, matched: Matched): Problem[] {
  const hadSecretJwt = new Set(storedOf(stored, 'app').filter(hasSecretJwt).map(appKey))
  return [...matched].flatMap(([row, before]) => {
    if (row.noun !== 'credential' || before.noun !== 'credential' || row.proof.form !== 'secret') return []
    const { secret, isSealed } = row.proof
    const { format, sealedSecret } = before.verifier
    const isOld =
      secret.kind === 'generated' ||
      (secret.kind === 'kept' && !hadSecretJwt.has(`${row.tenantId}/${row.fields.appId}`))
    const isLost = isSealed && isOld && sealedSecret === null
    if (!isLost || formOfFormat(format) !== 'secret') return []
    const found = 'a secret generated before the app had client_secret_jwt, which cannot be read again'
    return [problemAt(row, 'secret', found, 'a new credential beside it, under an id of its own')]
  })
}

const hasSecretJwt = ({ settings }: Stored<'app'>): boolean =>
  (settings as AppSettings).client_authentication?.includes('client_secret_jwt') ?? false

function checkHosts({ declared, removed, hostHolders }: StoreCheck): Problem[] {
  const tenants = ofNoun(declared, 'tenant')
  const leaving = new Set(storedOf(removed, 'tenant').map(({ tenantId }) => tenantId))
  const freed = (tenantId: string, host: string) =>
    leaving.has(tenantId) ||
    tenants.some((tenant) => tenant.tenantId === tenantId && !tenant.fields.hosts.includes(host))
  return tenants.flatMap((row) =>
    row.fields.hosts.flatMap((host) => {
      const holder = hostHolders.get(host)
      if (holder === undefined || holder === row.tenantId || freed(holder, host)) return []
      return [problemAt(row, 'hosts', `${host}, which is a host of tenant ${holder}`, 'a host that is free')]
    }),
  )
}

const targetsOf = ({ fields, settings }: Declared<'api'> | Stored<'api'>): readonly string[] => [
  fields.audience,
  ...((settings as ApiSettings).resources ?? []),
]

const inTenant = (tenantId: string, name: string): string => `${tenantId} ${name}`

/** One statement at a time writes them, so what one API is asked for by must be free before another can have it. */
function checkTargets(check: StoreCheck): Problem[] {
  const holders = indexed(keptOf(check, 'api'), (api) =>
    targetsOf(api).map((target) => inTenant(api.tenantId, target)),
  )
  return ofNoun(check.declared, 'api').flatMap((row) =>
    targetsOf(row).flatMap((target) => {
      const holder = holders
        .get(inTenant(row.tenantId, target))
        ?.find(({ fields }) => fields.id !== row.fields.id)
      if (!holder) return []
      const [member, held] = [row, holder].map(({ fields }) =>
        fields.audience === target ? 'audience' : 'resources',
      )
      const what = held === 'audience' ? 'the audience' : 'a resource'
      return [
        problemAt(row, member ?? '', `${what} of API ${holder.address} in the store`, 'one that is free'),
      ]
    }),
  )
}

function checkClientIds(check: StoreCheck): Problem[] {
  const [kept, apps] = [keptOf(check, 'app'), ofNoun(check.declared, 'app')]
  const [keptIds, declaredIds] = [clientIdsByTenant(kept), clientIdsByTenant(apps)]
  const holders = indexed(kept, ({ tenantId, clientId }) => [inTenant(tenantId, clientId)])
  const decoding = indexed(kept, ({ tenantId, clientId }) => {
    const decoded = confusedWith(clientId, declaredIds.get(tenantId) ?? new Set())
    return decoded === null ? [] : [inTenant(tenantId, decoded)]
  })
  return apps.flatMap((row) => {
    const { tenantId } = row
    const { id, client_id: clientId } = row.fields
    if (clientId === null) return []
    const isOthers = (index: typeof holders, name: string | null) =>
      name !== null && index.get(inTenant(tenantId, name))?.some(({ fields }) => fields.id !== id)
    if (isOthers(holders, clientId))
      return [problemAt(row, 'client_id', 'the client id of another app', 'one that is free')]
    const decoded = confusedWith(clientId, keptIds.get(tenantId) ?? new Set())
    const found = 'a client id that URL-encoding turns into the one of another app, or back'
    const isConfused = isOthers(holders, decoded) || isOthers(decoding, clientId)
    return isConfused ? [problemAt(row, 'client_id', found, 'another')] : []
  })
}

function clientIdsByTenant(
  apps: readonly (Declared<'app'> | Stored<'app'>)[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const byTenant = Map.groupBy(apps, ({ tenantId }) => tenantId)
  const idsOf = (rows: typeof apps) => new Set(rows.flatMap(({ fields }) => fields.client_id ?? []))
  return new Map([...byTenant].map(([tenantId, rows]) => [tenantId, idsOf(rows)]))
}

/** Removing a row takes along what stands below it, and nobody else's rows may go that way. */
function checkRemovals({ blueprints, declared, stored, removed }: StoreCheck): Problem[] {
  if (removed.length === 0) return []
  // What is declared is written again, and then needs nothing that goes.
  const passing = new Set([...removed, ...declared].map(keyOf))
  const staying = stored.filter((row) => !passing.has(keyOf(row)))
  const needing = indexed(staying, needsOf)
  return removed.flatMap((row) => {
    const [first] = needing.get(keyOf(row)) ?? []
    const owner = blueprints.find(({ file }) => file.blueprint === row.owner)
    if (!first || !owner) return []
    const found = `${row.noun} ${row.address} no longer declared, while ${first.noun} ${first.address} needs it`
    return [owner.source.problem(['tenants'], found, 'it to stay, or the other to go first')]
  })
}

/** The keys of what it stands in or on. Credentials go with their app, whoever made them. */
function needsOf(row: StoredRow): string[] {
  const { noun, tenantId } = row
  if (noun === 'tenant' || noun === 'credential') return []
  const needs = [`tenant ${tenantId}`]
  if (noun === 'app') needs.push(`organization ${tenantId}/${row.fields.organization}`)
  if (noun === 'organization' && row.fields.plan !== null) needs.push(`plan ${tenantId}/${row.fields.plan}`)
  return needs
}
