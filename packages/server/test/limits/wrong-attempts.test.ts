// trust.md R14, R17, R12: the counters themselves, where time and memory are concerned.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Tally } from '../../src/limits/attempt-relay.ts'
import { type Attempt, createWrongAttempts, type WrongAttempts } from '../../src/limits/wrong-attempts.ts'

const at = (now: number, more: Partial<Attempt> = {}): Attempt => ({
  ...{ tenantId: 'acme', clientId: 'client', address: '192.0.2.1', now },
  ...more,
})

/** What one more wrong attempt is told. */
const told = (attempts: WrongAttempts, attempt: Attempt): number => attempts.count(attempt).waitSeconds

test('trust R14: the limit is ten, exactly, in every minute', () => {
  const attempts = createWrongAttempts()
  for (let window = 0; window < 3; window += 1) {
    const start = 1020 + window * 60
    for (let number = 1; number <= 9; number += 1) assert.equal(told(attempts, at(start + number)), 0)
    assert.equal(attempts.waitSeconds(at(start + 10)), 0)
    assert.equal(told(attempts, at(start + 10)), 0)
    assert.equal(attempts.waitSeconds(at(start + 10)), 50)
    assert.equal(told(attempts, at(start + 10)), 50)
    assert.equal(told(attempts, at(start + 59)), 1)
  }
})

test('trust F9: an attempt that proves right after all is taken back, and only that one', () => {
  const attempts = createWrongAttempts()
  const counted = Array.from({ length: 10 }, () => attempts.count(at(1020)))
  assert.equal(attempts.waitSeconds(at(1020)), 60)
  // Late: the answer came in the next minute, and the count of the first is meant.
  assert.equal(told(attempts, at(1080)), 0)
  counted[4]?.forgive()
  assert.equal(attempts.waitSeconds(at(1020)), 0)
  assert.equal(told(attempts, at(1020)), 0)
  assert.equal(told(attempts, at(1020)), 60)
  for (let number = 0; number < 9; number += 1) assert.equal(told(attempts, at(1080)), 0)
  assert.equal(told(attempts, at(1080)), 60)
})

test('trust R17: a clock that was set back does not lengthen a wait', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 20; number += 1) attempts.count(at(10_020))
  assert.equal(attempts.waitSeconds(at(10_020)), 60)
  assert.equal(attempts.waitSeconds(at(6_420)), 0)
  assert.equal(told(attempts, at(6_420)), 0)
  for (let number = 0; number < 9; number += 1) attempts.count(at(6_420))
  assert.ok(told(attempts, at(6_421)) <= 60)
})

const wrong = (presentation: string, ...digests: string[]) => ({ presentation, digests })

test('issue Throttle: one wrong secret tried in the header and then in the body is one attempt', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 10; number += 1) {
    const digest = `digest ${number}`
    assert.equal(attempts.count(at(1020), wrong('basic', digest)).waitSeconds, 0)
    assert.equal(attempts.count(at(1020), wrong('post', digest)).waitSeconds, 0)
  }
  assert.equal(attempts.count(at(1020), wrong('basic', 'one more')).waitSeconds, 60)
  assert.equal(attempts.count(at(1020), wrong('post', 'one more')).waitSeconds, 60)
})

test('trust F9: one wrong secret again and again is many attempts, at however many places', () => {
  const places = [['basic'], ['basic', 'post'], ['basic', 'post', 'query']]
  for (const presentations of places) {
    const attempts = createWrongAttempts()
    let accepted = 0
    for (let number = 0; number < 200; number += 1) {
      const presentation = presentations[number % presentations.length] ?? ''
      if (attempts.count(at(1020), wrong(presentation, 'same')).waitSeconds === 0) accepted += 1
    }
    assert.ok(accepted >= 10 && accepted <= 11, `${presentations}: ${accepted}`)
  }
})

test('issue Throttle: only what was tried before is excused, to the last reading, client and network', () => {
  const attempts = createWrongAttempts()
  const first = wrong('basic', 'a', 'b')
  const others: readonly [Partial<Attempt>, ReturnType<typeof wrong>][] = [
    [{}, wrong('post', 'c')],
    [{}, wrong('post', 'a', 'c')],
    [{}, wrong('basic', 'a')],
    [{ clientId: 'other' }, wrong('post', 'a')],
    [{ address: '192.0.2.2' }, wrong('post', 'a')],
    [{ tenantId: 'other' }, wrong('post', 'a')],
    [{ now: 60 }, wrong('post', 'a')],
  ]
  let now = 1020
  for (const [{ now: later = 0, ...more }, second] of others) {
    now += 120
    const isOwnCounter = later > 0 || Object.keys(more).length > 0
    const other = at(now + later, more)
    for (let number = 0; number < (isOwnCounter ? 9 : 8); number += 1) attempts.count(other)
    attempts.count(at(now), first)
    assert.equal(attempts.waitSeconds(other), 0)
    attempts.count(other, second)
    assert.ok(attempts.waitSeconds(other) > 0, JSON.stringify([more, second]))
  }
})

test('issue Throttle: what was excused was not counted, and forgiving it takes nothing back', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 9; number += 1) attempts.count(at(1020))
  attempts.count(at(1020), wrong('basic', 'a'))
  attempts.count(at(1020), wrong('post', 'a')).forgive()
  assert.equal(attempts.waitSeconds(at(1020)), 60)
})

test('trust F37: tenant, network and name cannot run into each other', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 20; number += 1) attempts.count(at(1000, { clientId: '192.0.2.2 client' }))
  for (const other of [
    { address: '192.0.2.2' },
    { tenantId: 'other' },
    { clientId: '192.0.2.2' },
    { clientId: 'client 192.0.2.2' },
  ]) {
    assert.equal(attempts.waitSeconds(at(1000, other)), 0)
  }
})

test('trust 44: a flood of names from one network pushes no throttled client out of memory', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 10; number += 1) attempts.count(at(1000))
  for (let number = 0; number < 120_000; number += 1) {
    attempts.count(at(1000, { clientId: `name-${number}`, address: '198.51.100.7' }))
  }
  assert.equal(attempts.waitSeconds(at(1000)), 20)
})

test('trust 44: past the limit of a network its broken client takes the trials of no other, and many names not more than their share', () => {
  const attempts = createWrongAttempts()
  for (let number = 0; number < 100; number += 1) attempts.count(at(1020, { clientId: `name-${number}` }))
  const tried = (clientId: string, times: number) =>
    Array.from({ length: times }, () => attempts.mayTry(at(1021, { clientId }))).filter(Boolean).length
  assert.equal(tried('broken', 1_000), 10)
  assert.equal(tried('client', 1_000), 10)
  assert.equal(attempts.mayTry(at(1022, { clientId: 'broken' })), true)
  // Each takes time that others want.
  const ofMany = Array.from({ length: 20_000 }, (_, number) => tried(`name-${number}`, 1))
  assert.equal(ofMany.filter((times) => times === 1).length, 640)
})

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What is still needed, without what only waits to be cleared away. */
function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test('trust R12: many names and networks leave a bounded number of counters', () => {
  const attempts = createWrongAttempts()
  const before = heldBytes()
  for (let number = 0; number < 120_000; number += 1) {
    const address = `2001:db8:${(number >> 8).toString(16)}:${(number & 255).toString(16)}::1`
    attempts.count(at(1000, { clientId: `name-${number}`, address }))
  }
  assert.ok(heldBytes() - before < 50 * 1024 * 1024)
  assert.equal(told(attempts, at(1000)), 0)
})

test('trust F11: whoever has many networks of one IPv6 site has a hundred guesses at a client, and other sites theirs', () => {
  const attempts = createWrongAttempts()
  const from = (site: string, network: number) =>
    at(1020, { address: `2001:db8:${site}:${network.toString(16)}::1` })
  for (let network = 0; network < 99; network += 1) assert.equal(told(attempts, from('7', network)), 0)
  const right = attempts.count(from('7', 500))
  assert.equal(attempts.waitSeconds(from('7', 600)), 60)
  right.forgive()
  assert.equal(attempts.waitSeconds(from('7', 600)), 0)
  assert.equal(told(attempts, from('7', 600)), 0)
  assert.equal(told(attempts, from('7', 601)), 60)
  assert.equal(told(attempts, from('8', 601)), 0)
  assert.equal(told(attempts, { ...from('7', 601), clientId: 'another' }), 0)
  for (let number = 0; number < 300; number += 1) told(attempts, from('9', 1))
  assert.equal(told(attempts, from('9', 2)), 0)
  for (let number = 0; number < 200; number += 1)
    assert.equal(told(attempts, at(1020, { address: `198.51.100.${number}` })), 0)
})

/** Processes of one machine; `deliver` brings what they have told each other, echoes included. */
function createMachine(processes: number) {
  const listeners: ((tallies: readonly Tally[], isOwn: boolean) => void)[] = []
  let sent: { readonly from: number; readonly tallies: readonly Tally[] }[] = []
  const all = Array.from({ length: processes }, (_, from) =>
    createWrongAttempts(undefined, {
      processes,
      send: (tallies) => void sent.push({ from, tallies }),
      follow: (listener) => void listeners.push(listener),
    }),
  )
  return {
    all,
    async deliver() {
      await new Promise(setImmediate)
      for (const { from, tallies } of sent) {
        for (const [to, listener] of listeners.entries()) listener(tallies, from === to)
      }
      sent = []
    },
  }
}

test('trust F9, 44: the processes of one machine have one limit, exactly, asked in turn', async () => {
  const { all, deliver } = createMachine(4)
  for (let number = 0; number < 10; number += 1) {
    const one = all[number % 4]
    assert.ok(one)
    assert.equal(told(one, at(1020)), 0)
    await deliver()
  }
  for (const one of all) {
    assert.equal(one.waitSeconds(at(1020)), 60)
    assert.equal(told(one, at(1020)), 60)
  }
})

test('trust F9, 44: of wrong secrets that reach all processes at once few more than ten are evaluated', async () => {
  const { all, deliver } = createMachine(4)
  const accepted = all.map((one) => Array.from({ length: 50 }, () => told(one, at(1020))))
  assert.deepEqual(
    accepted.map((answers) => answers.filter((wait) => wait === 0).length),
    [3, 3, 3, 3],
  )
  await deliver()
  for (const one of all) assert.equal(told(one, at(1020)), 60)
  for (const one of all) assert.equal(told(one, at(1080)), 0)
})

test('trust F9: an attempt that one process has forgiven is forgiven by all', async () => {
  const { all, deliver } = createMachine(2)
  const [first, second] = all
  assert.ok(first && second)
  const counted = Array.from({ length: 5 }, () => first.count(at(1020)))
  await deliver()
  for (let number = 0; number < 5; number += 1) second.count(at(1020))
  await deliver()
  assert.equal(second.waitSeconds(at(1020)), 60)
  for (const one of counted) one.forgive()
  await deliver()
  assert.equal(second.waitSeconds(at(1020)), 0)
})

test('trust R12: of a flood from many networks each process tells a bounded part', async () => {
  const sizes: number[] = []
  const attempts = createWrongAttempts(undefined, {
    processes: 2,
    send: (tallies) => void sizes.push(tallies.length),
    follow: () => {},
  })
  for (let number = 0; number < 5_000; number += 1)
    attempts.count(at(1020, { address: `198.18.${number >> 8}.${number & 255}` }))
  await new Promise(setImmediate)
  assert.deepEqual(sizes, [500])
})
