// trust 153, F23: what could never be fetched from is known before it is registered, and nobody learns why it could not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Lookup } from '../../src/outbound/lookup.ts'
import { createReachable, type ReachableOptions } from '../../src/outbound/reachable.ts'

const publicAddress = '93.184.216.34'

/** By name; an empty list is a name without an address, null one whose server never answers. */
const addresses: Readonly<Record<string, readonly string[] | null>> = {
  'keys.example': [publicAddress, '2606:2800:220:1::1'],
  'intranet.example': ['10.0.0.7'],
  'loopback.example': ['127.0.0.1'],
  'linklocal.example': ['169.254.169.254'],
  'six.example': ['fd00::1'],
  'both.example': [publicAddress, '192.168.1.1'],
  'empty.example': [],
  'silent.example': null,
}

function start(options: ReachableOptions = {}) {
  const asked: string[] = []
  const lookup: Lookup = (name) => {
    asked.push(name)
    const found = addresses[name]
    if (found === null) return new Promise(() => {})
    if (found === undefined) return Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }))
    return Promise.resolve(found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))
  }
  const find = createReachable({ lookup, ...options })
  const isGood = async (url: string) => (await find([url])).has(url)
  return { find, isGood, asked }
}

test('trust 153: a name that leads into a private network, even with one address of several, is as one that nobody has', async () => {
  const { isGood } = start()
  assert.equal(await isGood('https://keys.example/jwks'), true)
  const others = Object.keys(addresses).filter((name) => !['keys.example', 'silent.example'].includes(name))
  for (const name of [...others, 'nobody.example'])
    assert.equal(await isGood(`https://${name}/jwks`), false, name)
})

test('trust 153: what stands there as an address, or as this machine, needs no look', async () => {
  const { isGood, asked } = start()
  for (const host of ['127.0.0.1', '0x7f.1', '[::1]', 'localhost', 'x.localhost', '10.0.0.7'])
    assert.equal(await isGood(`https://${host}/jwks`), false, host)
  assert.equal(await isGood(`https://${publicAddress}/jwks`), true)
  assert.equal(await isGood('no URL'), false)
  assert.deepEqual(asked, [])
})

test('trust 153: the operator’s own networks are as good as the public one', async () => {
  const { isGood } = start({ isAllowed: (address) => address === '10.0.0.7' })
  assert.deepEqual(
    [await isGood('https://intranet.example/'), await isGood('https://six.example/')],
    [true, false],
  )
})

test('trust F23: names without an answer are waited for once, all together, and then not reachable', async () => {
  const over = new AbortController()
  const { find, asked } = start({ deadline: () => over.signal })
  const urls = ['https://silent.example/1', 'https://silent.example/2', 'https://keys.example/jwks']
  const finding = find(urls)
  while (asked.length < 2) await turn()
  over.abort()
  assert.ok([...(await finding)].every((url) => !url.includes('silent')))
  assert.deepEqual(asked.toSorted(), ['keys.example', 'silent.example'])
})

test('trust F23: who names many silent hosts in many calls has nobody else turned away', async () => {
  const over = new AbortController()
  const signals = [...Array.from({ length: 8 }, () => over.signal), new AbortController().signal]
  const lookup: Lookup = async (name) =>
    name.startsWith('silent') ? new Promise(() => {}) : [{ address: publicAddress, family: 4 }]
  const find = createReachable({ lookup, deadline: () => signals.shift() ?? assert.fail('no more calls') })
  const silent = signals.slice(1).map((_, call) => {
    return find(Array.from({ length: 50 }, (_, index) => `https://silent${call}-${index}.example/jwks`))
  })
  const finding = find(['https://keys.example/jwks'])
  await turn()
  over.abort()
  assert.equal((await finding).size, 1)
  for (const one of silent) assert.equal((await one).size, 0)
})
