/** What the load process says of its own share must hold though it never sleeps. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stayAwake } from '../src/wakeful.ts'

test('bench: of a load that never sleeps only the turns that bring replies are work, and it may sleep when stopped', () => {
  let now = 1000
  let replies = 5
  let next: (() => void) | undefined
  const wakeful = stayAwake({
    replies: () => replies,
    clock: () => now,
    nextTurn: (run) => {
      next = run
    },
  })
  const turn = (milliseconds: number, more: number) => {
    const run = next
    next = undefined
    now += milliseconds
    replies += more
    run?.()
  }
  turn(3, 0)
  turn(2, 4)
  turn(10, 0)
  turn(1, 1)
  assert.equal(wakeful.busyMilliseconds(), 3)
  wakeful.stop()
  turn(1, 0)
  assert.equal(next, undefined)
})
