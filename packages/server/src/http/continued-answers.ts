/** Answers that go on after their first words, such as a feed: until their client leaves, stops reading, or we stop. */

import type { ServerResponse } from 'node:http'
import type { Reply } from '@sallyport/protocol'

// Thousands of revocations.
const unreadLimitBytes = 1024 * 1024

export interface ContinuedAnswers {
  /** Writes the opening behind headers that are written already, and hands the rest to `follow`. */
  begin(response: ServerResponse, opening: Reply['body'], follow: NonNullable<Reply['follow']>): void
  /** Those that begin later end at once. */
  endAll(): void
}

/** Of whoever takes nothing for so long, what waits is dropped. */
export function createContinuedAnswers(unreadMilliseconds: number): ContinuedAnswers {
  const ends = new Set<() => void>()
  let isOver = false
  return {
    begin(response, opening, follow) {
      const end = () => response.end()
      const stop = follow({ write: writeTo(response, opening), end })
      ends.add(end)
      // After the end too: who does not read does not see it, and would hold what waits for ever.
      response.setTimeout(unreadMilliseconds, () => {
        if (response.writableLength > 0) response.req.destroy()
      })
      // A client that leaves in the middle of a write is no failure of ours.
      response.on('error', () => {})
      response.once('close', () => {
        ends.delete(end)
        stop()
      })
      // A drain may have begun while the answer was made.
      if (isOver) end()
    },
    endAll() {
      isOver = true
      for (const end of ends) end()
    },
  }
}

/** Writes the opening, and returns what writes the rest. */
function writeTo(response: ServerResponse, opening: Reply['body']): (text: string) => void {
  // However long it is, the opening was asked for; only what comes after it must be taken in time.
  let openingBytes = Buffer.byteLength(opening)
  response.write(opening, () => {
    openingBytes = 0
  })
  return (text) => {
    if (response.writableEnded || response.destroyed) return
    response.write(text)
    // What a reader does not take would fill our memory.
    if (response.writableLength - openingBytes > unreadLimitBytes) response.req.destroy()
  }
}
