/**
 * The issuer's revocations, followed: a snapshot, then each as it happens, from where it stopped when the connection
 * breaks. What is known is always whole: a new snapshot replaces the old one only when it is complete.
 */

import { CutOffs, clockSkewSeconds } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { IssuerError } from '../issuer/ask.ts'
import { createEventReader, type ServerEvent } from './events.ts'
import {
  followedTenant,
  readChangedApp,
  readSubjectClaims,
  readTold,
  type SubjectClaims,
  standardSubjectClaims,
} from './told.ts'

/** What is known of the issuer's revocations. */
export interface RevocationState {
  /** Null until the first snapshot is complete. */
  readonly cutOffs: CutOffs | null
  readonly claims: SubjectClaims
  /** How many of them this guard could not tell apart, and has taken for cut-offs of every token of their time. */
  readonly notUnderstood: number
  /** Another number after each news: who was found alive is to be asked again. */
  readonly edition: number
  /** Epoch seconds by this machine's clock; null before the first contact. */
  readonly heardAt: number | null
  readonly isConnected: boolean
  /** Of the last failure; its words repeat no secret. */
  readonly failure: Error | null
}

export interface Follower {
  readonly state: RevocationState
  /** Resolves when the first snapshot is there or the first attempt has failed. */
  readonly begun: Promise<void>
  close(): void
}

export interface FollowerOptions {
  readonly effects: Effects
  readonly open: (lastEventId: string | null, signal: AbortSignal) => Promise<Response>
  readonly onChange: (state: RevocationState) => void
  /** Endpoints or limits have changed, or may have: of one app, or null for all. */
  readonly onPolicy?: (clientId: string | null) => void
}

/** An issuer that says nothing for so long is no longer connected: its heartbeat comes every five seconds. */
export const silenceSeconds = 15
const shortestPauseMilliseconds = 200
const longestPauseMilliseconds = 5_000
// Cut-offs that are over are told no more: once a day what has gathered is replaced by what still counts.
const snapshotSeconds = 86_400

type State = { -readonly [Name in keyof RevocationState]: RevocationState[Name] }

export function followRevocations({ effects, open, onChange, onPolicy }: FollowerOptions): Follower {
  const state: State = {
    cutOffs: null,
    claims: standardSubjectClaims,
    notUnderstood: 0,
    edition: 0,
    heardAt: null,
    isConnected: false,
    failure: null,
  }
  let isClosed = false
  let position: string | null = null
  let snapshotAt = Number.NEGATIVE_INFINITY
  let attempt = 0
  let stop = (): void => {}
  let callOff = (): void => {}
  let hasBegun = (): void => {}
  const begun = new Promise<void>((resolve) => {
    hasBegun = resolve
  })
  const change = (changes: Partial<State>): void => {
    Object.assign(state, changes)
    onChange(state)
  }

  async function follow(): Promise<void> {
    const isAnew = position === null || effects.clock() - snapshotAt >= snapshotSeconds
    const abort = new AbortController()
    let calm = effects.later(silenceSeconds * 1000, () => abort.abort())
    stop = () => abort.abort()
    try {
      const response = await open(isAnew ? null : position, abort.signal)
      const reading = reader(isAnew)
      const decoder = new TextDecoder()
      const body = response.body?.getReader()
      for (let part = await body?.read(); part && !part.done; part = await body?.read()) {
        calm()
        calm = effects.later(silenceSeconds * 1000, () => abort.abort())
        reading(decoder.decode(part.value, { stream: true }))
      }
      throw new IssuerError('the revocation feed has ended', null)
    } finally {
      calm()
      abort.abort()
    }
  }

  /** One connection's events: into a new set, which counts when it is whole, or into the one that counts. */
  function reader(isAnew: boolean): (piece: string) => void {
    const gathering = isAnew ? new CutOffs(followedTenant) : (state.cutOffs ?? new CutOffs(followedTenant))
    let notUnderstood = isAnew ? 0 : state.notUnderstood
    const handlers: Readonly<Record<string, (data: unknown) => void>> = {
      claims: (data) => change({ claims: readSubjectClaims(data), edition: state.edition + 1 }),
      revocation(data) {
        const told = readTold(data)
        gathering.add(told)
        if (!told.isUnderstood) notUnderstood += 1
        if (gathering === state.cutOffs) change({ notUnderstood, edition: state.edition + 1 })
      },
      ready(data) {
        attempt = 0
        if (isAnew) snapshotAt = effects.clock()
        const known = { cutOffs: gathering, notUnderstood, edition: state.edition + 1 }
        change({ ...known, isConnected: true, failure: null, heardAt: heardAt(data, effects.clock()) })
        hasBegun()
        // Nobody tells later what has changed before.
        onPolicy?.(null)
      },
      policy: (data) => onPolicy?.(readChangedApp(data)),
      // Only these two say that nothing was missed: who is told the beginning again and again has heard nothing.
      heartbeat(data) {
        if (state.isConnected) state.heardAt = heardAt(data, effects.clock())
      },
      reset() {
        position = null
        throw new IssuerError('the revocation feed begins anew', null)
      },
    }
    const handle = new Map(Object.entries(handlers))
    return createEventReader((event: ServerEvent) => {
      handle.get(event.type)?.(JSON.parse(event.data))
      // A position within a snapshot that never became whole is no position.
      if (state.cutOffs === gathering && event.lastEventId !== '') position = event.lastEventId
    })
  }

  async function keepFollowing(): Promise<void> {
    try {
      await follow()
    } catch (error) {
      if (isClosed) return
      // An issuer that does not know the position may still tell all.
      if (error instanceof IssuerError && error.status === 400) position = null
      change({ isConnected: false, failure: error instanceof Error ? error : new Error('unknown failure') })
      hasBegun()
      attempt += 1
      callOff = effects.later(pauseOf(attempt, effects.random), () => void keepFollowing())
    }
  }
  void keepFollowing()
  return {
    state,
    begun,
    close() {
      isClosed = true
      stop()
      callOff()
    },
  }
}

/** An issuer that is itself cut off from its database says until when it knows: then no more is known here. */
function heardAt(data: unknown, now: number): number {
  const { as_of: asOf } = (data ?? {}) as Readonly<Record<string, unknown>>
  return typeof asOf === 'number' && now - asOf > clockSkewSeconds ? asOf : now
}

/** Doubled each time, less up to a half, so that a thousand guards do not come back in one moment. */
function pauseOf(attempt: number, random: Effects['random']): number {
  const pause = Math.min(longestPauseMilliseconds, shortestPauseMilliseconds * 2 ** (attempt - 1))
  return Math.round(pause * (0.5 + (random(1)[0] ?? 0) / 512))
}
