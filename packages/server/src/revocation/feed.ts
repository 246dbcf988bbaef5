/**
 * The revocations of a tenant as others follow them: what there is, then what comes, each with the number of the
 * change it came by. Guards and gateways keep it beside the tokens they verify; the forms it is sent in are elsewhere.
 */

import type { ChangeFeed } from '../store/changes.ts'
import { type Revocation, type RevocationChange, readRevocation } from '../store/revocations.ts'
import type { ToldRevocation } from './for-verifiers.ts'

export type FeedEvent =
  | { readonly type: 'revocation'; readonly seq: number; readonly told: readonly ToldRevocation[] }
  /** From here on the follower knows all that this process knows. */
  | { readonly type: 'ready'; readonly seq: number; readonly asOf: number }
  /** Nothing was missed until `asOf`, in epoch seconds: a process that is cut off itself says an older one. */
  | { readonly type: 'heartbeat'; readonly seq: number; readonly asOf: number }
  /** What was asked for can no longer be told: begin anew, with a snapshot. */
  | { readonly type: 'reset' }

export interface Snapshot {
  readonly seq: number
  readonly asOf: number
  readonly told: readonly ToldRevocation[]
}

export interface Follower {
  /** An event is the same object for all followers of its tenant, so that it need be written out once only. */
  tell(event: FeedEvent): void
  /** The tenant or the follower's own app has changed: let it come again and show who it is. */
  end(): void
}

export interface RevocationFeed {
  /** Holds all that was committed before the call; what is told later may repeat some of it. */
  snapshot(tenantId: string): Promise<Snapshot>
  /** Tells what came after `seq`, then goes on. The answer ends the following. */
  follow(tenantId: string, clientId: string, seq: number, follower: Follower): () => void
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

interface Following extends Follower {
  readonly clientId: string
  /** What it has been told of already. */
  seq: number
  /** Null once it has caught up; until then what comes meanwhile waits here. */
  waiting: FeedEvent[] | null
}

export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { changes, list, listAfter, words, onFailure, heartbeatMilliseconds = 5_000 } = options
  const tenants = new Map<string, Set<Following>>()
  const endAll = (tenantId: string, clientId?: string) => {
    for (const one of [...(tenants.get(tenantId) ?? [])])
      if (clientId === undefined || one.clientId === clientId) one.end()
  }

  // Finding the words may take a question to the database, and nothing may overtake it.
  let tail: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void> | void, onError: () => void) => {
    tail = tail.then(work).catch((error: unknown) => {
      onFailure(error)
      onError()
    })
  }

  async function tellRevocation(tenantId: string, seq: number, revocation: Revocation): Promise<void> {
    const followers = tenants.get(tenantId)
    if (followers) tellAll(followers, { type: 'revocation', seq, told: await words(tenantId, revocation) })
  }

  const unfollow = changes.follow(
    (news) => {
      for (const { noun, tenantId, subjectId, seq, detail } of news) {
        if (!tenants.has(tenantId)) continue
        if (noun === 'tenant') inTurn(() => endAll(tenantId), ignore)
        else if (noun === 'app') inTurn(() => endAll(tenantId, subjectId), ignore)
        else if (noun === 'revocation' && detail !== undefined)
          // Whoever could not be told comes again and asks from where it stood.
          inTurn(
            () => tellRevocation(tenantId, seq, readRevocation(detail)),
            () => endAll(tenantId),
          )
      }
    },
    () => inTurn(() => everybody({ type: 'reset' }), ignore),
  )
  const everybody = (event: FeedEvent) => {
    for (const followers of tenants.values()) tellAll(followers, event)
  }
  const beat = setInterval(() => {
    const event = { type: 'heartbeat', ...standing() } as const
    inTurn(() => everybody(event), ignore)
  }, heartbeatMilliseconds)
  beat.unref()

  const standing = () => ({ seq: changes.lastSeq, asOf: changes.lastContactAt })

  async function catchUp(tenantId: string, following: Following): Promise<void> {
    const missed = await listAfter(tenantId, following.seq)
    if (missed === null) tell(following, { type: 'reset' })
    for (const { seq, revocation } of missed ?? [])
      tell(following, { type: 'revocation', seq, told: await words(tenantId, revocation) })
    const { waiting } = following
    following.waiting = null
    for (const event of waiting ?? []) tell(following, event)
    tell(following, { type: 'ready', ...standing() })
  }

  return {
    async snapshot(tenantId) {
      // Read before the rows: they then hold at least as much.
      const { seq, asOf } = standing()
      const told = (await list(tenantId)).map((revocation) => words(tenantId, revocation))
      return { seq, asOf, told: (await Promise.all(told)).flat() }
    },
    follow(tenantId, clientId, seq, { tell, end }) {
      const following: Following = { tell, end, clientId, seq, waiting: [] }
      const followers = tenants.get(tenantId) ?? new Set()
      tenants.set(tenantId, followers.add(following))
      catchUp(tenantId, following).catch((error: unknown) => {
        onFailure(error)
        end()
      })
      return () => {
        followers.delete(following)
        if (followers.size === 0) tenants.delete(tenantId)
      }
    },
    close() {
      clearInterval(beat)
      unfollow()
    },
  }
}

const ignore = () => {}

function tellAll(followers: Iterable<Following>, event: FeedEvent): void {
  for (const following of followers) {
    if (following.waiting === null) tell(following, event)
    else following.waiting.push(event)
  }
}

/** A change may be told twice, once when it is written here and once when it is read back. */
function tell(following: Following, event: FeedEvent): void {
  if (event.type === 'revocation') {
    if (event.seq <= following.seq) return
    following.seq = event.seq
  }
  following.tell(event)
}
