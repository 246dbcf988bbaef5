/**
 * The revocations of a tenant as others follow them: what there is, then what comes, each with the number of the
 * change it came by. Guards and gateways keep it beside the tokens they verify; the forms it is sent in are elsewhere.
 *
 * Everything that is told is told in turn, one thing after the other for all followers: the number that a follower has
 * seen last then means that it has been told all that came before.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Change, ChangeFeed } from '../store/changes.ts'
import { type Revocation, type RevocationChange, readRevocation } from '../store/revocations.ts'
import { createFollowerPlaces } from './follower-places.ts'
import type { ToldRevocation } from './for-verifiers.ts'
import { shareReading } from './shared-reading.ts'

export type FeedEvent =
  | { readonly type: 'revocation'; readonly seq: number; readonly told: readonly ToldRevocation[] }
  /** What apps may do has changed, of all or of one: forget what is held of it. Whoever was not there is not told later. */
  | { readonly type: 'policy'; readonly clientId: string | null }
  /** From here on the follower knows all that this process knows. */
  | { readonly type: 'ready'; readonly seq: number; readonly asOf: number }
  /** Nothing was missed until `asOf`, in epoch seconds: a process that is cut off itself says an older one. */
  | { readonly type: 'heartbeat'; readonly seq: number; readonly asOf: number }
  /** What was asked for can no longer be told: begin anew, with a snapshot. The end follows. */
  | { readonly type: 'reset' }

export interface Snapshot {
  readonly seq: number
  readonly asOf: number
  readonly told: readonly ToldRevocation[]
}

export interface Follower {
  readonly tenantId: string
  readonly clientId: string
  readonly organizationId: string
  /** An event is the same object for all followers of its tenant, so that it need be written out once only. */
  tell(event: FeedEvent): void
  /** Let it come again, and show who it is. */
  end(): void
  /** Asked once more when its turn has come: much may have happened since it was let in. */
  isWelcome(): Promise<boolean>
}

export interface RevocationFeed {
  /** Holds all that was committed before the call; what is told later may repeat some of it. Others may have the same one. */
  snapshot(tenantId: string): Promise<Snapshot>
  /** Whether so many follow for the client already that another would be sent away at once. */
  isFull(client: Pick<Follower, 'tenantId' | 'clientId'>): boolean
  /** Tells what came after `seq`, then goes on. The answer ends the following. */
  follow(follower: Follower, seq: number): () => void
  close(): void
}

export interface RevocationFeedOptions {
  readonly changes: ChangeFeed
  readonly list: (tenantId: string) => Promise<readonly Revocation[]>
  /** Those after `seq` in order, or null if some may be gone. */
  readonly listAfter: (tenantId: string, seq: number) => Promise<readonly RevocationChange[] | null>
  readonly words: (tenantId: string, revocation: Revocation) => Promise<readonly ToldRevocation[]>
  readonly onFailure: (error: unknown) => void
  readonly heartbeatMilliseconds?: number
}

// An hour: a credential may expire meanwhile, and no change tells of that.
const longestBeats = 720
// A thousand guards of one API, each with a few connections of which nobody has noticed yet that they are broken.
const mostOfOneClient = 4_096

// There may be hundreds of thousands, and others wait meanwhile.
const wordedAtOnce = 2_000

interface Following extends Follower {
  /** What it has been told of already. */
  seq: number
  beats: number
}

export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { changes, list, listAfter, words, onFailure, heartbeatMilliseconds = 5_000 } = options
  const tenants = new Map<string, Set<Following>>()
  const places = createFollowerPlaces(mostOfOneClient)
  const of = (tenantId: string): readonly Following[] => [...(tenants.get(tenantId) ?? [])]

  const leave = (following: Following): void => {
    const followers = tenants.get(following.tenantId)
    followers?.delete(following)
    if (followers?.size === 0) tenants.delete(following.tenantId)
  }
  const dismiss = (following: Following): void => {
    leave(following)
    following.end()
  }
  const dismissAll = (followings: readonly Following[]) => followings.forEach(dismiss)

  let tail: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void> | void, onError: () => void) => {
    tail = tail.then(work).catch((error: unknown) => {
      onFailure(error)
      onError()
    })
  }

  /** Finding the words may take a question to the database, and nothing may overtake it. */
  async function tellRevocation(tenantId: string, seq: number, revocation: Revocation): Promise<void> {
    const event: FeedEvent = { type: 'revocation', seq, told: await words(tenantId, revocation) }
    for (const following of of(tenantId)) tell(following, event)
  }

  const tellPolicy = (tenantId: string, clientId: string | null): void => {
    const event: FeedEvent = { type: 'policy', clientId }
    for (const following of of(tenantId)) following.tell(event)
  }

  const reset = (followings: readonly Following[]): void => {
    for (const following of followings) following.tell({ type: 'reset' })
    dismissAll(followings)
  }

  const everybody = (): readonly Following[] => [...tenants.keys()].flatMap(of)
  /** Whoever could not be told comes again and asks from where it stood. */
  const hear = ({ noun, tenantId, subjectId, seq, detail }: Change): void => {
    if (noun !== 'revocation') inTurn(() => tellPolicy(tenantId, noun === 'app' ? subjectId : null), ignore)
    else if (detail !== undefined && seq <= changes.lastSeq)
      inTurn(
        () => tellRevocation(tenantId, seq, readRevocation(detail)),
        () => dismissAll(of(tenantId)),
      )
  }
  const sendAway = (change: Change): void => {
    // What is told ahead of the feed, because the database could not be asked, would hide what it has overtaken.
    const isAhead = change.seq > changes.lastSeq
    inTurn(() => dismissAll(of(change.tenantId).filter((one) => isAhead || isEndedBy(one, change))), ignore)
  }
  const unfollow = changes.follow(
    (news) => {
      // Whoever is sent away may never be let in again, so it first hears all that the same write has ended.
      for (const change of news) hear(change)
      for (const change of news) sendAway(change)
    },
    () => inTurn(() => reset(everybody()), ignore),
  )
  const standing = () => ({ seq: changes.lastSeq, asOf: changes.lastContactAt })
  const beat = setInterval(() => {
    const event: FeedEvent = { type: 'heartbeat', ...standing() }
    inTurn(() => {
      for (const following of everybody()) {
        following.beats += 1
        if (following.beats > longestBeats) dismiss(following)
        else following.tell(event)
      }
    }, ignore)
  }, heartbeatMilliseconds)
  beat.unref()

  async function begin(following: Following): Promise<void> {
    // Read before the rows: they then hold at least as much.
    const { seq, asOf } = standing()
    const { tenantId } = following
    const missed = await listAfter(tenantId, following.seq)
    if (missed === null) return reset([following])
    for (const { seq: at, revocation } of missed)
      tell(following, { type: 'revocation', seq: at, told: await words(tenantId, revocation) })
    if (!(await following.isWelcome())) return following.end()
    tenants.set(tenantId, (tenants.get(tenantId) ?? new Set()).add(following))
    following.tell({ type: 'ready', seq: Math.max(seq, following.seq), asOf })
  }

  async function readSnapshot(tenantId: string): Promise<Snapshot> {
    const { seq, asOf } = standing()
    const revocations = await list(tenantId)
    const told: ToldRevocation[][] = []
    for (let start = 0; start < revocations.length; start += wordedAtOnce) {
      const piece = revocations.slice(start, start + wordedAtOnce)
      const worded = await Promise.all(piece.map((revocation) => words(tenantId, revocation)))
      told.push(worded.flat())
      await nextTurn()
    }
    return { seq, asOf, told: told.flat() }
  }

  return {
    snapshot: shareReading(readSnapshot),
    isFull: (client) => places.isFull(client),
    follow(follower, seq) {
      const leavePlace = places.take(follower)
      if (leavePlace === null) {
        follower.end()
        return ignore
      }
      const following: Following = { ...follower, seq, beats: 0 }
      let hasLeft = false
      inTurn(
        async () => {
          if (!hasLeft) await begin(following)
          if (hasLeft) leave(following)
        },
        () => dismiss(following),
      )
      return () => {
        if (!hasLeft) leavePlace()
        hasLeft = true
        leave(following)
      }
    },
    close() {
      clearInterval(beat)
      unfollow()
    },
  }
}

const ignore = () => {}

/** It may have been removed or switched off, by itself or with all that it is part of. */
const isEndedBy = ({ clientId, organizationId }: Follower, { noun, subjectId }: Change): boolean =>
  noun === 'tenant' ||
  (noun === 'app' && clientId === subjectId) ||
  (noun === 'organization' && organizationId === subjectId)

/** A change may be told twice, once when it is written here and once when it is read back. */
function tell(following: Following, event: FeedEvent & { type: 'revocation' }): void {
  if (event.seq <= following.seq) return
  following.seq = event.seq
  following.tell(event)
}
