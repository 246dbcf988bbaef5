// One bucket under any arrivals: how much passes in any window, and what is said about the rest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { createMemoryLimits } from '../../src/limits/memory.ts'
import { handClock } from './hand-clock.ts'

const windowSeconds = 10
const windowMilliseconds = windowSeconds * 1000
const limitOf = (requests: number) => ({ name: 'any', requests, windowSeconds })

const requests = fc.integer({ min: 1, max: 120 })
/** How long after the one before, and how many at once. */
const arrival = fc.tuple(
  fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 3 * windowMilliseconds })),
  fc.integer({ min: 1, max: 60 }),
)
const arrivals = fc.array(arrival, { minLength: 1, maxLength: 60 })

/** Asks for all and answers when those that passed came; `judge` sees each request and those before it. */
function passed(
  size: number,
  all: readonly (readonly [number, number])[],
  judge: (isAllowed: boolean, inWindow: number) => void = () => {},
): number[] {
  const clock = handClock()
  const limits = createMemoryLimits({ elapsed: clock.elapsed })
  const times: number[] = []
  for (const [pause, count] of all) {
    clock.advance(pause)
    for (let index = 0; index < count; index++) {
      const { isAllowed } = limits.take('app', limitOf(size))
      judge(isAllowed, times.filter((time) => time > clock.elapsed() - windowMilliseconds).length)
      if (isAllowed) times.push(clock.elapsed())
    }
  }
  return times
}

test('trust R14: no window, wherever it begins, passes more than a tenth above the limit', () => {
  fc.assert(
    fc.property(requests, arrivals, (size, all) => {
      const times = passed(size, all)
      for (const [index, begin] of times.entries()) {
        const within = times.slice(index).filter((time) => time < begin + windowMilliseconds).length
        assert.ok(within <= size * 1.1, `${within} of ${size}`)
      }
    }),
  )
})

test('trust R14: nor when nearly all of it came at the end of a window that one early request began', () => {
  for (let size = 1; size <= 500; size++) {
    const last = passed(size, [
      [0, 1],
      [windowMilliseconds - 1, size],
      [1, size],
    ]).slice(1)
    assert.ok(last.length >= size - 1 && last.length <= size * 1.1, `${last.length} of ${size}`)
  }
})

test('trust R14: nobody is refused before the whole limit has passed in the window that ends now', () => {
  fc.assert(
    fc.property(requests, arrivals, (size, all) => {
      passed(size, all, (isAllowed, inWindow) => {
        if (!isAllowed) assert.ok(inWindow >= size, `refused after ${inWindow} of ${size}`)
      })
    }),
  )
})

test('003-20: what is said to remain passes at once, and not one more; after Retry-After one passes', () => {
  fc.assert(
    fc.property(requests, arrivals, (size, all) => {
      const clock = handClock()
      const limits = createMemoryLimits({ elapsed: clock.elapsed })
      const take = () => limits.take('app', limitOf(size))
      for (const [pause, count] of all) {
        clock.advance(pause)
        for (let index = 1; index < count; index++) take()
      }
      const { remaining } = take()
      for (let left = remaining; left > 0; left--) assert.equal(take().remaining, left - 1)
      const refused = take()
      assert.equal(refused.isAllowed, false)
      assert.equal(refused.resetSeconds, refused.retryAfterSeconds)
      clock.advance(refused.retryAfterSeconds * 1000)
      assert.equal(take().isAllowed, true)
    }),
  )
})

test('003-20: who keeps to what remains until the reset is served, and then the whole limit is there again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 120 }), fc.integer({ min: 1, max: 100 }), (size, used) => {
      const clock = handClock()
      const limits = createMemoryLimits({ elapsed: clock.elapsed })
      const take = () => limits.take('app', limitOf(size))
      for (let index = 1; index < Math.min(used, size - 1); index++) take()
      const { remaining, resetSeconds } = take()
      clock.advance(resetSeconds * 1000)
      assert.ok(remaining > 0)
      assert.equal(take().remaining, size - 1)
    }),
  )
})

test('trust R17: a clock that is set back an hour neither opens a full bucket nor keeps it shut for an hour', () => {
  for (const size of [3, 100]) {
    const clock = handClock()
    const limits = createMemoryLimits({ elapsed: clock.elapsed })
    const take = () => limits.take('app', limitOf(size))
    for (let index = 0; index < size; index++) take()
    clock.advance(-3_600_000)
    assert.deepEqual([take().isAllowed, take().retryAfterSeconds], [false, windowSeconds])
    clock.advance(windowMilliseconds)
    assert.equal(take().isAllowed, true)
  }
})
