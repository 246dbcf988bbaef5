/** How often the event loop gets its turn: whatever keeps it to itself keeps all requests waiting. */

import { setImmediate as nextTurn } from 'node:timers/promises'

export async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let [turns, isDone] = [0, false]
  const counting = (async () => {
    while (!isDone) {
      await nextTurn()
      turns += 1
    }
  })()
  await work()
  isDone = true
  await counting
  return turns
}
