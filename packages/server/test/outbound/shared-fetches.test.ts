// trust F23, 67: one fetch for all who wait for it, and whoever names hosts that never answer waits alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createSharedFetches } from '../../src/outbound/shared-fetches.ts'

const never = new AbortController().signal

/** Fetches that end when the test says so. */
function start() {
  const fetches = createSharedFetches<string>(undefined, () => never)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const join = (owner: string, name: string, signal = never) =>
    fetches.join(
      { name, owner },
      () => {
        begun.push(`${name} by ${owner}`)
        return new Promise<string>((resolve) => ends.set(name, () => resolve(`what ${name} says`)))
      },
      signal,
    )
  const notBegun = (name: string) => () => assert.fail(`${name} was not begun`)
  return { begun, join, end: (name: string) => (ends.get(name) ?? notBegun(name))() }
}

const silent = (count: number) => Array.from({ length: count }, (_, index) => `silent-${index}`)

test('trust F23: of an owner four fetches happen at once and fifty wait, while others have theirs begun', async () => {
  const { begun, join, end } = start()
  const [first, ...others] = silent(55).map((name) => join('flood', name))
  assert.equal(await others.at(-1), null)
  assert.equal(begun.length, 4)
  const ours = join('acme', 'keys')
  await turn()
  assert.equal(begun[4], 'keys by acme')
  end('keys')
  assert.equal(await ours, 'what keys says')
  end('silent-0')
  assert.equal(await first, 'what silent-0 says')
  assert.equal(begun[5], 'silent-4 by flood')
})

test('trust 67: all who wait for the same wait for one fetch, and take one place in the line', async () => {
  const { begun, join, end } = start()
  const all = Array.from({ length: 100 }, () => join('acme', 'keys'))
  await turn()
  all.push(join('other', 'keys'))
  assert.deepEqual(begun, ['keys by acme'])
  end('keys')
  assert.deepEqual(new Set(await Promise.all(all)), new Set(['what keys says']))
  for (const name of silent(4)) join('acme', name)
  const waiting = Array.from({ length: 100 }, () => join('acme', 'keys'))
  await turn()
  assert.equal(begun.length, 5)
  end('silent-0')
  await turn()
  end('keys')
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['what keys says']))
})

test('trust F23: what stands in the line of one owner is begun at once for another, and both have it', async () => {
  const { begun, join, end } = start()
  for (const name of silent(4)) join('flood', name)
  const inLine = join('flood', 'keys')
  await turn()
  const ours = join('acme', 'keys')
  await turn()
  assert.equal(begun[4], 'keys by acme')
  end('silent-0')
  await turn()
  end('keys')
  assert.deepEqual([await ours, await inLine], ['what keys says', 'what keys says'])
  assert.equal(begun.length, 5)
})

test('trust 67: whoever has waited long enough goes, and the fetch goes on for the others', async () => {
  const { begun, join, end } = start()
  const over = new AbortController()
  const [gone, others] = [join('acme', 'keys', over.signal), join('acme', 'keys')]
  await turn()
  over.abort()
  assert.equal(await gone, null)
  assert.equal(await join('acme', 'more', over.signal), null)
  end('keys')
  assert.equal(await others, 'what keys says')
  assert.deepEqual(begun, ['keys by acme'])
})
