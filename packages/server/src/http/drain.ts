/** The graceful end: what is under way is finished, what comes meanwhile is still answered, and then nothing is left. */
import type { Health } from './health.ts'
import type { Listener } from './listener.ts'

export interface DrainOptions {
  readonly listeners: readonly Listener[]
  readonly health: Pick<Health, 'startDraining'>
  /** How long connections are still taken after readiness has turned, for balancers to notice. */
  readonly noticeMilliseconds?: number
  /** How long a quiet keep-alive connection may still bring a request before it is closed. */
  readonly idleMilliseconds?: number
  /** After this, counted from the end of the notice, the rest is cut. */
  readonly limitMilliseconds?: number
}

/** `clean` when the last connection left by itself, `cut` when the time was over. */
export type DrainResult = 'clean' | 'cut'

export async function drain({
  listeners,
  health,
  noticeMilliseconds = 500,
  idleMilliseconds = 500,
  limitMilliseconds = 9_500,
}: DrainOptions): Promise<DrainResult> {
  const { promise: timeIsUp, resolve: giveUp } = Promise.withResolvers<'cut'>()
  const limit = setTimeout(giveUp, noticeMilliseconds + limitMilliseconds, 'cut')
  health.startDraining()
  for (const listener of listeners) listener.startDraining()
  const result = await Promise.race([timeIsUp, leave(listeners, noticeMilliseconds, idleMilliseconds)])
  clearTimeout(limit)
  for (const listener of listeners) listener.closeAll()
  return result
}

async function leave(listeners: readonly Listener[], noticeMilliseconds: number, idleMilliseconds: number) {
  await wait(noticeMilliseconds)
  const allClosed = Promise.all(listeners.map((listener) => listener.stopAccepting()))
  const sweep = setInterval(() => {
    for (const listener of listeners) listener.closeIdle()
  }, idleMilliseconds)
  await allClosed
  clearInterval(sweep)
  return 'clean' as const
}

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
