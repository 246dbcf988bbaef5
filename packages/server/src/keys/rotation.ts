/**
 * Takes the steps in the life of signing keys that are due. Every node runs it; each step is one transaction of
 * conditional moves, so that of all who try one takes it, and the others follow by the change feed.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Actor } from '../store/audit-records.ts'
import { type Database, StoreUnavailable, type WriteTransaction } from '../store/database.ts'
import {
  moveSigningKey,
  prolongSigningKey,
  type SigningKeyState,
  selectSigningKeys,
} from '../store/signing-keys.ts'
import { listTenantIds, loadTenant, type TenantRecord } from '../store/tenants.ts'
import { recordKeyChanges, recordProlonged } from './key-records.ts'
import {
  type CreatingStep,
  dueSteps,
  type KeyStep,
  type MovingStep,
  type RotationRules,
  rotationRules,
  scheduledSteps,
} from './rotation-schedule.ts'
import type { Sealer } from './sealing.ts'
import { type GeneratedKey, generateSigningKey, keepSigningKey } from './signing-keys.ts'

/** A key has come into a state. */
export interface KeyEvent {
  readonly tenantId: string
  readonly kid: string
  readonly algorithm: string
  readonly apiId: string | null
  readonly state: SigningKeyState
}

export interface RotationDeps {
  readonly db: Database
  readonly sealer: Sealer
  readonly random: (bytes: number) => Uint8Array
  /** Epoch seconds. */
  readonly clock: () => number
  /** For the audit chain; left out, the server does it by itself. */
  readonly by?: Actor
  /** Hears of each step that this process has taken. */
  readonly onEvent: (event: KeyEvent) => void
}

/** Somebody else has moved a key first; the transaction is rolled back. */
class StepLost extends Error {}

/** Null where the step was somebody else's. */
export async function unlessLost<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StepLost) return null
    throw error
  }
}

/** All or none. */
export async function moveKeys(
  tx: WriteTransaction,
  tenantId: string,
  moves: MovingStep['moves'],
): Promise<void> {
  for (const { kid, from, to } of moves) {
    if (!(await moveSigningKey(tx, tenantId, kid, from, to))) throw new StepLost()
  }
}

/** Whether this process has taken the step. */
async function takeStep(deps: RotationDeps, record: TenantRecord, step: KeyStep): Promise<boolean> {
  const events = step.kind === 'create' ? await create(deps, record, step) : await move(deps, record, step)
  for (const event of events) deps.onEvent({ tenantId: record.id, apiId: step.apiId, ...event })
  return events.length > 0
}

type StepEvent = Pick<KeyEvent, 'kid' | 'algorithm' | 'state'>

async function move(
  { db, by }: RotationDeps,
  { id, signingKeys }: TenantRecord,
  { moves, apiId }: MovingStep,
): Promise<readonly StepEvent[]> {
  const algorithms = new Map(signingKeys.map(({ kid, algorithm }) => [kid, algorithm]))
  const changes = moves.map((move) => ({ ...move, apiId, algorithm: algorithms.get(move.kid) ?? '' }))
  const moved = db.write(async (tx) => {
    await moveKeys(tx, id, moves)
    recordKeyChanges(tx, { tenantId: id, by }, changes)
    return true
  })
  if ((await unlessLost(moved)) === null) return []
  return changes.map(({ kid, algorithm, to }) => ({ kid, algorithm, state: to }))
}

async function create(
  { db, sealer, random, clock, by }: RotationDeps,
  record: TenantRecord,
  step: CreatingStep,
): Promise<readonly StepEvent[]> {
  const { algorithm, apiId } = step
  const rules = rotationRules(record, clock())
  const key = await generateSigningKey({ algorithm, apiId, keyIdEncoding: rules.keyIdEncoding }, random)
  const isMade = await db.write(async (tx) => {
    const isKept = await keepIfDue(tx, sealer, record.id, key, { step, rules })
    if (isKept) recordKeyChanges(tx, { tenantId: record.id, by }, [{ ...key, from: null, to: 'next' }])
    return isKept
  })
  return isMade ? [{ kid: key.kid, algorithm, state: 'next' }] : []
}

/** Making it takes time, in which another node may have gone a whole rotation further. */
async function keepIfDue(
  tx: WriteTransaction,
  sealer: Sealer,
  tenantId: string,
  key: GeneratedKey,
  { step, rules }: { readonly step: CreatingStep; readonly rules: RotationRules },
): Promise<boolean> {
  const keys = await selectSigningKeys(tx.kysely, tenantId)
  const isStillDue = scheduledSteps(keys, atOnce(rules)).some((one) => isSameStep(one, step))
  return isStillDue && keepSigningKey(tx, sealer, tenantId, key, 'next')
}

/** Every rotation is due as soon as the key before it signs. */
const atOnce = (rules: RotationRules): RotationRules => ({ ...rules, rotationSeconds: 0 })

const isSameStep = (one: KeyStep, { algorithm, after }: CreatingStep): boolean =>
  one.kind === 'create' && one.algorithm === algorithm && one.after === after

export interface Selection {
  /** Undefined for all. */
  readonly algorithm?: string | undefined
  readonly apiId?: string | undefined
}

export const isSelected = (
  { apiId, algorithm }: { readonly apiId: string | null; readonly algorithm: string | null },
  selection: Selection,
): boolean =>
  (selection.apiId === undefined || selection.apiId === apiId) &&
  (selection.algorithm === undefined || selection.algorithm === algorithm)

/** Begins the rotations that are not under way, and takes what is due of the others. */
export async function startRotation(
  deps: RotationDeps,
  tenantId: string,
  selection: Selection = {},
): Promise<void> {
  const record = await loadTenant(deps.db, tenantId)
  if (record === null) return
  const now = deps.clock()
  await noteLifetimes(deps, record, rotationRules(record, now))
  const due = dueSteps(record.signingKeys, atOnce(rotationRules(record, now)), now)
  for (const step of due) if (isSelected(step, selection)) await takeStep(deps, record, step)
}

/** The same inside somebody else's transaction, which a step that is lost undoes: see `unlessLost`. */
export async function startRotationWithin(
  tx: WriteTransaction,
  tenantId: string,
  selection: Selection,
  spare: readonly GeneratedKey[],
  { sealer }: Pick<RotationDeps, 'sealer'>,
): Promise<void> {
  const record = await loadTenant(tx, tenantId)
  if (record === null) return
  const rules = rotationRules(record, tx.now)
  await noteLifetimesWithin(tx, record, rules)
  const due = dueSteps(record.signingKeys, atOnce(rules), tx.now)
  for (const step of due.filter((one) => isSelected(one, selection))) {
    if (step.kind !== 'create') await moveKeys(tx, tenantId, step.moves)
    else {
      const key = spare.find(({ algorithm, apiId }) => algorithm === step.algorithm && apiId === step.apiId)
      // What is due now was not due when the keys were made.
      if (key === undefined) throw new StepLost()
      await keepIfDue(tx, sealer, tenantId, key, { step, rules })
    }
  }
}

/** The keys that a rotation begun now takes, made before its transaction. */
export function generateDue(
  record: TenantRecord,
  selection: Selection,
  now: number,
  random: RotationDeps['random'],
): Promise<GeneratedKey[]> {
  const rules = rotationRules(record, now)
  const { keyIdEncoding } = rules
  const due = dueSteps(record.signingKeys, atOnce(rules), now).filter((one) => isSelected(one, selection))
  const making = due.filter((step) => step.kind === 'create')
  return Promise.all(making.map((step) => generateSigningKey({ ...step, keyIdEncoding }, random)))
}

/** Takes all that is due of one tenant; answers when there is something to do again, null for never. */
export async function rotateTenant(deps: RotationDeps, tenantId: string): Promise<number | null> {
  const record = await loadTenant(deps.db, tenantId)
  if (record === null) return null
  const now = deps.clock()
  const rules = rotationRules(record, now)
  await noteLifetimes(deps, record, rules)
  const steps = scheduledSteps(record.signingKeys, rules)
  const due = steps.filter(({ dueAt }) => dueAt <= now)
  for (const step of due) await takeStep(deps, record, step)
  if (due.length > 0) return now
  return steps.length === 0 ? null : Math.min(...steps.map(({ dueAt }) => dueAt))
}

/**
 * A key is kept for the longest token that it may have signed, also when the settings have been lowered since; so
 * while it signs, the longest that they allowed is written beside it.
 */
async function noteLifetimes(
  { db, by }: RotationDeps,
  record: TenantRecord,
  rules: RotationRules,
): Promise<void> {
  if (underNoted(record, rules).length > 0) await db.write((tx) => noteLifetimesWithin(tx, record, rules, by))
}

async function noteLifetimesWithin(
  tx: WriteTransaction,
  record: TenantRecord,
  rules: RotationRules,
  by?: Actor,
): Promise<void> {
  const { longestTokenSeconds: longest } = rules
  for (const key of underNoted(record, rules)) {
    const isLonger = await prolongSigningKey(tx, record.id, key.kid, longest)
    if (isLonger) recordProlonged(tx, { tenantId: record.id, by }, key, longest)
  }
}

const underNoted = ({ signingKeys }: TenantRecord, { longestTokenSeconds: longest }: RotationRules) =>
  signingKeys.filter(
    ({ state, longestTokenSeconds: noted }) =>
      state !== 'retiring' && noted !== null && (longest === null || noted < longest),
  )

export interface KeyRotation {
  /** Takes every step that is due. Ends early when `stopping` is aborted: whoever runs next takes the others. */
  work(stopping?: AbortSignal): Promise<void>
  close(): void
}

export interface KeyRotationDeps extends RotationDeps {
  /** One tenant's trouble holds up no other. */
  readonly onFailure: (error: unknown) => void
}

/**
 * The chore. It remembers of each tenant when its next step is due, until the change feed tells of a change; so a round
 * in which nothing is due reads the list of tenants and nothing else.
 */
export function createKeyRotation(deps: KeyRotationDeps): KeyRotation {
  const { db, clock } = deps
  const dueAt = new Map<string, number>()
  let changes = 0
  const unfollow = db.changes.follow(
    (news) => {
      changes += 1
      for (const { noun, tenantId } of news) if (noun === 'tenant') dueAt.delete(tenantId)
    },
    () => {
      changes += 1
      dueAt.clear()
    },
  )

  async function look(tenantId: string): Promise<void> {
    const before = changes
    const next = await rotateTenant(deps, tenantId)
    // What has been read may be older than the change.
    if (changes === before) dueAt.set(tenantId, next ?? Number.POSITIVE_INFINITY)
  }

  return {
    async work(stopping) {
      for (const tenantId of await listTenantIds(db)) {
        if (stopping?.aborted) return
        if (clock() < (dueAt.get(tenantId) ?? 0)) continue
        // After a start all are looked at, and on SQLite nobody would be answered until the last of them has been.
        await nextTurn()
        try {
          await look(tenantId)
        } catch (error) {
          if (error instanceof StoreUnavailable) throw error
          deps.onFailure(error)
        }
      }
    },
    close: unfollow,
  }
}
