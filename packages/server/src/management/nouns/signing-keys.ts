/** Signing keys of a tenant: public parts and states, and the two ways to replace them. */

import { type Static, Type } from 'typebox'
import type { Effects } from '../../effects.ts'
import { generateFor, replaceWithin } from '../../keys/emergency.ts'
import { type KeyReport, reportKeys } from '../../keys/report.ts'
import {
  generateDue,
  isSelected,
  type Selection,
  startRotationWithin,
  unlessLost,
} from '../../keys/rotation.ts'
import { type GeneratedKey, publicJwkOf } from '../../keys/signing-keys.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { type SigningKeyRecord, selectSigningKeys } from '../../store/signing-keys.ts'
import { loadTenant } from '../../store/tenants.ts'
import { Identifier } from '../../tenants/settings.ts'
import { explained } from '../explained.ts'
import { type From, list, read, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, Instant, OrNull } from '../shapes.ts'
import { findTenant } from './tenants.ts'

const State = Type.Enum(['next', 'active', 'retiring', 'retired'])
const key = {
  kid: Type.String(),
  algorithm: Type.String(),
  /** Of a symmetric key, whose API it is. */
  api: OrNull(Type.String()),
  state: State,
  since: Instant,
  created_at: Instant,
  /** What verifiers have; of a symmetric key nothing. */
  public_jwk: OrNull(Type.Record(Type.String(), Type.String())),
}
const KeyShape = Type.Object(key)
const KeyInDetail = Type.Object({
  ...key,
  /** Null where nothing happens by itself. */
  becomes: OrNull(Type.Object({ state: State, at: Instant })),
})
const NewRotation = Type.Object(
  explained(
    {
      algorithm: Type.Optional(Type.String({ maxLength: 20 })),
      api: Type.Optional(Identifier),
      emergency: Type.Optional(Type.Boolean()),
    },
    {
      algorithm: ['Rotate only keys of this algorithm', 'all'],
      api: ['Rotate only the keys of this API', 'all'],
      emergency: [
        'A key has leaked: a new one signs at once, and all that the old ones have signed is dead',
        '`false`',
      ],
    },
  ),
  closed,
)

/** Member by member, so that nothing sealed ever comes along. */
const show = (record: SigningKeyRecord) => ({
  ...{ kid: record.kid, algorithm: record.algorithm, api: record.apiId, state: record.state },
  ...{ since: record.updatedAt, created_at: record.createdAt, public_jwk: publicJwkOf(record) },
})

async function findKey(
  { tenant, key: kid }: { readonly tenant: string; readonly key: string },
  { kysely }: From,
) {
  const record = (await selectSigningKeys(kysely, tenant)).find((one) => one.kid === kid)
  if (record === undefined) return null
  const place = { tenantId: tenant, organizationId: null }
  return { place, name: `signing key ${record.kid}`, value: show(record) }
}

const inUse = async ({ kysely }: From, tenantId: string) =>
  (await selectSigningKeys(kysely, tenantId)).filter(({ state }) => state !== 'retired')

/** With the keys as they are, for the audit chain. */
async function findKeys(params: { readonly tenant: string }, from: From) {
  const found = await findTenant(params, from)
  if (found === null) return null
  const before = await inUse(from, params.tenant)
  return { ...found, name: `signing keys ${params.tenant}`, before, value: { keys: before.map(show) } }
}

/** Those that were in use and those that have come. */
async function keysAfter(
  { kysely }: WriteTransaction,
  tenantId: string,
  before: readonly SigningKeyRecord[],
): Promise<object> {
  const kids = new Set(before.map(({ kid }) => kid))
  const keys = await selectSigningKeys(kysely, tenantId)
  return { keys: keys.filter(({ kid, state }) => state !== 'retired' || kids.has(kid)).map(show) }
}

const becomesOf = (report: KeyReport | undefined) => report?.becomes ?? null

type Rotation = Static<typeof NewRotation>

const selectionOf = ({ algorithm, api: apiId }: Rotation): Selection => ({ algorithm, apiId })

function checkSelected(keys: readonly SigningKeyRecord[], selection: Selection): void {
  if (!keys.some((one) => isSelected(one, selection)))
    refuseWith('conflict', {
      detail: 'There is no such key. A tenant makes its first one when it is first asked for a token.',
    })
}

/** An RSA key takes a tenth of a second to make, for which on SQLite other writers would wait. */
async function spareKeys(
  from: From,
  tenantId: string,
  body: Rotation,
  { random, clock }: Effects,
): Promise<readonly GeneratedKey[]> {
  const record = await loadTenant(from, tenantId)
  if (record === null) return []
  const selection = selectionOf(body)
  return body.emergency === true
    ? generateFor(record, selection, random)
    : generateDue(record, selection, clock(), random)
}

const shown = {
  ...{ kid: 'q1Zl…', algorithm: 'ES256', api: null, state: 'active' },
  ...{ since: 1_800_000_000, created_at: 1_799_999_400 },
  public_jwk: { kty: 'EC', kid: 'q1Zl…', use: 'sig', alg: 'ES256', crv: 'P-256', x: 'f83O…', y: 'x_FE…' },
}

export const signingKeyOperations = [
  list({
    id: 'listSigningKeys',
    command: 'signing-keys list',
    path: '/tenants/{tenant}/signing-keys',
    about: 'The signing keys of a tenant, the retired too, oldest first; never a private part.',
    permission: 'read_signing_keys',
    output: KeyShape,
    example: { answer: shown },
    find: findTenant,
    async run({ params: { tenant } }, { after, limit }, { kysely }) {
      const records = await selectSigningKeys(kysely, tenant)
      const start = records.findIndex(({ kid }) => kid === after) + 1
      return records.slice(start, start + limit).map(show)
    },
    keyOf: (item) => item.kid,
  }),
  read({
    id: 'readSigningKey',
    command: 'signing-keys show',
    path: '/tenants/{tenant}/signing-keys/{key}',
    about: 'One signing key, and what becomes of it when.',
    permission: 'read_signing_keys',
    output: KeyInDetail,
    example: { answer: { ...shown, becomes: { state: 'retiring', at: 1_807_776_000 } } },
    find: findKey,
    async run({ params: { tenant }, target: { value } }, _from, { db, effects }) {
      const reports = await reportKeys(db, tenant, effects.clock())
      return { ...value, becomes: becomesOf(reports.find(({ kid }) => kid === value.kid)) }
    },
  }),
  write({
    id: 'rotateSigningKeys',
    command: 'signing-keys rotate',
    method: 'POST',
    status: 200,
    path: '/tenants/{tenant}/signing-keys/rotate',
    about:
      'Begin a rotation now: a new key, published before it signs; or in an emergency replace keys at once.',
    permission: 'manage_signing_keys',
    body: NewRotation,
    output: Type.Object({ keys: Type.Array(KeyShape) }),
    problems: ['conflict'],
    example: { body: { algorithm: 'ES256' }, answer: { keys: [shown, { ...shown, state: 'next' }] } },
    find: findKeys,
    prepare: ({ params: { tenant }, body, target: { before } }, from, { effects }) => {
      checkSelected(before, selectionOf(body))
      return spareKeys(from, tenant, body, effects)
    },
    async run({ params: { tenant }, body, target: { before }, prepared }, tx, deps) {
      const selection = selectionOf(body)
      checkSelected(before, selection)
      const replacing = body.emergency === true ? replaceWithin : startRotationWithin
      const work: Promise<unknown> = replacing(tx, tenant, selection, prepared, deps)
      if ((await unlessLost(work.then(() => true))) === null)
        refuseWith('conflict', { detail: 'The keys are being changed by somebody else. Try again.' })
      return { body: await keysAfter(tx, tenant, before) }
    },
  }),
]
