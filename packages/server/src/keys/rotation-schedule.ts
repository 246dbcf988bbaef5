/**
 * The life of signing keys: which steps of next → active → retiring → retired lie ahead, and when each is due. Pure:
 * from the records of a tenant's keys and its settings. `rotation.ts` takes the steps.
 */

import type { SigningKeyRecord, SigningKeyState } from '../store/signing-keys.ts'
import type { TenantRecord } from '../store/tenants.ts'
import { compileDialect } from '../tenants/dialect.ts'
import { defaultLifetime } from '../tenants/lifetime.ts'
import type { ApiSettings, TenantSettings } from '../tenants/settings.ts'
import type { KeyAlgorithm } from './signer.ts'

/** How long caches may keep the key set; half of the time that a new key is in it before it signs (trust 119). */
export const keySetMaxAgeSeconds = 300

/** A key is published this long before it signs: a cache lifetime, and as much again for nodes and clocks apart. */
export const publishedSeconds = 2 * keySetMaxAgeSeconds

// A symmetric key is published nowhere; the other nodes need to have read it.
const spreadSeconds = 60

/** Clocks of verifiers and nodes differ, and a token may be used on the second it ends. */
const skewSeconds = 300

const daySeconds = 86_400
const defaultRotationDays = 90

/** Whoever signs: the tenant, or one API with a symmetric key of its own. */
export interface KeySlot {
  readonly apiId: string | null
  /** Null where nobody signs any more, because the API is gone or has no key of its own now. */
  readonly algorithm: KeyAlgorithm | null
}

/** With what a tenant's settings want to sign. */
export interface SigningSettings {
  readonly algorithm: KeyAlgorithm
  /** The APIs that sign with their own symmetric key. */
  readonly hmacApiIds: readonly string[]
  readonly keyIdEncoding: 'base64url' | 'base64'
}

export interface RotationRules extends SigningSettings {
  /** Null where no key is replaced by itself. */
  readonly rotationSeconds: number | null
  /** The longest that a token may live; null where tokens have no end. */
  readonly longestTokenSeconds: number | null
  /** For so long a node without its database may sign with a key that is no longer the active one. */
  readonly outageGraceSeconds: number
}

/** What the schedule looks at. */
export type ScheduledKey = Pick<
  SigningKeyRecord,
  'kid' | 'algorithm' | 'apiId' | 'state' | 'longestTokenSeconds' | 'updatedAt'
>

export interface KeyMove {
  readonly kid: string
  readonly from: SigningKeyState
  readonly to: SigningKeyState
}

interface StepAbout {
  readonly apiId: string | null
  readonly algorithm: KeyAlgorithm
  /** Epoch seconds. */
  readonly dueAt: number
}

/** All of its moves or none, in this order: a place is left before it is taken. */
export interface MovingStep extends StepAbout {
  readonly kind: 'activate' | 'replace' | 'retire' | 'discard'
  readonly moves: readonly KeyMove[]
}

/** A new key, to be published before it signs. */
export interface CreatingStep extends StepAbout {
  readonly kind: 'create'
  /** The key that signs until then. */
  readonly after: string
}

export type KeyStep = MovingStep | CreatingStep

// The store holds only what the schema has let in.
const settingsOf = (record: TenantRecord) => record.settings as TenantSettings

export function signingSettings(record: TenantRecord): SigningSettings {
  const { signing_algorithm: algorithm = 'ES256', key_id: keyIdEncoding = 'base64url' } = settingsOf(record)
  const own = record.apis.filter((api) => (api.settings as ApiSettings).signing_algorithm === 'HS512')
  return { algorithm, hmacApiIds: own.map(({ id }) => id), keyIdEncoding }
}

export function rotationRules(record: TenantRecord, now: number): RotationRules {
  const settings = settingsOf(record)
  const days = settings.key_rotation_days ?? defaultRotationDays
  const dialect = compileDialect(settings.dialect ?? {})
  const isOver = dialect.sunsetAt !== null && now >= dialect.sunsetAt
  const tokensEnd = isOver || dialect.claimNames.has('exp')
  const longest = settings.maximum_access_token_seconds ?? defaultLifetime.maximumSeconds
  return {
    ...signingSettings(record),
    rotationSeconds: days === 0 ? null : days * daySeconds,
    longestTokenSeconds: tokensEnd ? longest : null,
    outageGraceSeconds: settings.outage_grace_seconds ?? 600,
  }
}

/** The tenant's slot, one for each API with a key of its own, and those of which only keys are left. */
function keySlots(keys: readonly ScheduledKey[], settings: SigningSettings): readonly KeySlot[] {
  const orphans = new Set(keys.flatMap(({ apiId, state }) => (state === 'retired' ? [] : (apiId ?? []))))
  for (const apiId of settings.hmacApiIds) orphans.delete(apiId)
  return [...signingSlots(settings), ...[...orphans].map((apiId) => ({ apiId, algorithm: null }))]
}

/** Where there must be a key. */
export const signingSlots = ({ algorithm, hmacApiIds }: SigningSettings) => [
  { apiId: null, algorithm },
  ...hmacApiIds.map((apiId) => ({ apiId, algorithm: 'HS512' }) as const),
]

/**
 * Whoever signs for a slot: the active key of its algorithm, or while that is still to come, of the one before.
 * Undefined where nobody does.
 */
export const signingKeyOf = <Key extends ScheduledKey>(
  keys: readonly Key[],
  { apiId, algorithm }: KeySlot,
): Key | undefined => {
  const active = keys.filter((key) => key.apiId === apiId && key.state === 'active')
  return active.find((key) => key.algorithm === algorithm) ?? active.at(-1)
}

/** What lies ahead of a tenant's keys, due or not. */
export const scheduledSteps = (keys: readonly ScheduledKey[], rules: RotationRules): readonly KeyStep[] =>
  keySlots(keys, rules).flatMap((slot) => {
    const own = keys.filter(({ apiId }) => apiId === slot.apiId)
    return [...stepsForward(own, slot, rules), ...stepsOut(own, slot, rules)]
  })

export const dueSteps = (
  keys: readonly ScheduledKey[],
  rules: RotationRules,
  now: number,
): readonly KeyStep[] => scheduledSteps(keys, rules).filter(({ dueAt }) => dueAt <= now)

/** Null for a key whose tokens never end. */
export function retiresAt(key: ScheduledKey, { longestTokenSeconds, outageGraceSeconds }: RotationRules) {
  const longest = key.longestTokenSeconds === 0 ? longestTokenSeconds : key.longestTokenSeconds
  return longest === null ? null : key.updatedAt + longest + outageGraceSeconds + skewSeconds
}

/** Towards a key that signs, of the slot's algorithm. */
function stepsForward(keys: readonly ScheduledKey[], slot: KeySlot, rules: RotationRules): KeyStep[] {
  const { apiId, algorithm } = slot
  const signing = signingKeyOf(keys, slot)
  // The first key of all is made when it is first needed; there is nothing to take over from.
  if (algorithm === null || signing === undefined) return []
  const next = keys.find((key) => key.state === 'next' && key.algorithm === algorithm)
  if (next === undefined) {
    const dueAt = signing.algorithm !== algorithm ? signing.updatedAt : rotationDue(signing, rules)
    return dueAt === null ? [] : [{ kind: 'create', apiId, algorithm, dueAt, after: signing.kid }]
  }
  const active = keys.filter(({ state }) => state === 'active')
  const moves = [...active.map((key) => move(key, 'retiring')), move(next, 'active')]
  return [{ kind: 'activate', apiId, algorithm, dueAt: next.updatedAt + leadSeconds(slot), moves }]
}

/** From its making until it signs. */
export const leadSeconds = ({ apiId }: Pick<KeySlot, 'apiId'>): number =>
  apiId === null ? publishedSeconds : spreadSeconds

const rotationDue = ({ updatedAt }: ScheduledKey, { rotationSeconds }: RotationRules): number | null =>
  rotationSeconds === null ? null : updatedAt + rotationSeconds

/** Out of the way: what signs no more or never will, and what has signed and can be forgotten. */
function stepsOut(keys: readonly ScheduledKey[], slot: KeySlot, rules: RotationRules): KeyStep[] {
  const signing = slot.algorithm === null ? undefined : signingKeyOf(keys, slot)
  return keys.flatMap((key): KeyStep[] => {
    const about = { apiId: slot.apiId, algorithm: key.algorithm as KeyAlgorithm }
    const step = (kind: MovingStep['kind'], to: SigningKeyState, dueAt = key.updatedAt): KeyStep[] => [
      { ...about, kind, dueAt, moves: [move(key, to)] },
    ]
    if (key.state === 'retiring') {
      const dueAt = retiresAt(key, rules)
      return dueAt === null ? [] : step('retire', 'retired', dueAt)
    }
    // It is on the way to its place; or it waits for the algorithm that the settings have gone away from.
    if (key.state === 'next') return key.algorithm === slot.algorithm ? [] : step('discard', 'retired')
    const isReplaced = key.state === 'active' && key !== signing
    return isReplaced ? step('replace', 'retiring') : []
  })
}

const move = ({ kid, state }: ScheduledKey, to: SigningKeyState): KeyMove => ({ kid, from: state, to })
