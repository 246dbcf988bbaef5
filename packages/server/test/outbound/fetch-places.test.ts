// trust F23: a host that does not answer takes up places of its own kind, and nobody else's.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { RequestListener } from 'node:http'
import { test } from 'node:test'
import { createFetchJson, type FetchOptions } from '../../src/outbound/fetch-json.ts'
import { startHost } from './https-host.ts'

const loopback = (address: string) => address === '127.0.0.1'

/** Deadlines that pass when the test says so, in the order of their fetches. */
function createDeadlines() {
  const ends: AbortController[] = []
  const deadline = () => {
    const end = new AbortController()
    ends.push(end)
    return end.signal
  }
  return {
    deadline,
    pass: (index: number) => ends[index]?.abort(),
    all: () => ends.map((end) => end.abort()),
  }
}

/** Listens and never answers; `heard` resolves once so many have asked. */
function createSilence() {
  const events = new EventEmitter()
  let requests = 0
  const listener: RequestListener = () => {
    requests += 1
    events.emit(`request ${requests}`)
  }
  return { listener, heard: (count: number) => once(events, `request ${count}`) }
}

/** One real host under as many names as are asked for. */
async function startMany(
  t: Parameters<typeof startHost>[0],
  listener: RequestListener,
  options: FetchOptions = {},
) {
  const host = await startHost(t, ['*.keys.example'], listener)
  const fetchJson = createFetchJson({
    isAllowed: loopback,
    authorities: [host.authority],
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
    ...options,
  })
  return {
    host,
    fetchFrom: (name: number | string) => fetchJson(`https://${name}.keys.example:${host.port}/jwks`),
  }
}

const tooMany = { ok: false, reason: 'too many fetches are under way' }
const tooLong = { ok: false, reason: 'its host took too long' }

test('trust F23: hosts that never answer use sixteen connections, and waiting for one has an end', async (t) => {
  const { deadline, pass, all } = createDeadlines()
  const { listener, heard } = createSilence()
  const { host, fetchFrom } = await startMany(t, listener, { deadline })
  const full = heard(16)
  const fetches = Array.from({ length: 217 }, (_, name) => fetchFrom(name))
  assert.deepEqual(await fetches[216], tooMany)
  await full
  assert.equal(host.connections(), 16)
  pass(20)
  assert.deepEqual(await fetches[20], tooMany)
  assert.equal(host.connections(), 16)
  const next = heard(17)
  pass(0)
  assert.deepEqual(await fetches[0], tooLong)
  await next
  assert.equal(host.connections(), 17)
  all()
  await Promise.all(fetches)
  assert.equal(host.connections(), 17)
})

test('trust F23: one host has two connections at most, and leaves the others theirs', async (t) => {
  const { deadline, pass, all } = createDeadlines()
  const { listener, heard } = createSilence()
  const hold: RequestListener = (request, response) =>
    request.headers.host?.startsWith('quick') ? response.end('{}') : listener(request, response)
  const { host, fetchFrom } = await startMany(t, hold, { deadline })
  const two = heard(2)
  const fetches = Array.from({ length: 23 }, () => fetchFrom('silent'))
  assert.deepEqual(await fetches[22], tooMany)
  await two
  assert.equal((await fetchFrom('quick')).ok, true)
  assert.equal(host.connections(), 3)
  const third = heard(3)
  pass(0)
  assert.deepEqual(await fetches[0], tooLong)
  await third
  all()
  await Promise.all(fetches)
  assert.equal((await fetchFrom('quick')).ok, true)
})

test('trust F23: hosts that have let us wait have four places of their own, until one of them answers in time', async (t) => {
  const { deadline, all: end } = createDeadlines()
  const patience = createDeadlines()
  const all = () => {
    patience.all()
    end()
  }
  const { listener, heard } = createSilence()
  const up = new Set(['quick'])
  const hold: RequestListener = (request, response) =>
    up.has(String(request.headers.host?.split('.')[0])) ? response.end('{}') : listener(request, response)
  const { host, fetchFrom } = await startMany(t, hold, { deadline, patience: patience.deadline })
  const firstTime = heard(16)
  const first = Array.from({ length: 16 }, (_, name) => fetchFrom(name))
  await firstTime
  all()
  assert.deepEqual(new Set((await Promise.all(first)).map((each) => JSON.stringify(each))).size, 1)
  // Once more, and now they are known.
  const four = heard(20)
  const again = Array.from({ length: 16 }, (_, name) => fetchFrom(name))
  await four
  for (let fetches = 0; fetches < 20; fetches++) assert.equal((await fetchFrom('quick')).ok, true)
  assert.equal(host.connections(), 40)
  all()
  await Promise.all(again)
  up.add('7')
  assert.equal((await fetchFrom(7)).ok, true)
  const held = heard(24)
  const third = Array.from({ length: 4 }, (_, name) => fetchFrom(name))
  await held
  assert.equal((await fetchFrom(7)).ok, true)
  all()
  await Promise.all(third)
})

test('trust F23: a host that answers late every time is one of them', async (t) => {
  const { deadline, all } = createDeadlines()
  const patience = createDeadlines()
  const { listener, heard } = createSilence()
  const answered = new Set<string | undefined>()
  const answer: RequestListener = (request, response) => {
    const { host } = request.headers
    if (host?.startsWith('quick')) return response.end('{}')
    if (answered.has(host)) return listener(request, response)
    answered.add(host)
    patience.all()
    response.end('{}')
  }
  const { host, fetchFrom } = await startMany(t, answer, { deadline, patience: patience.deadline })
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const name of names) assert.equal((await fetchFrom(name)).ok, true)
  const four = heard(4)
  const held = names.map(fetchFrom)
  await four
  assert.equal((await fetchFrom('quick')).ok, true)
  assert.equal(host.connections(), names.length + 4 + 1)
  all()
  await Promise.all(held)
})

test('trust F23: a host is none of them because a fetch from it had waited for its place too long', async (t) => {
  const { deadline, pass, all } = createDeadlines()
  const { listener, heard } = createSilence()
  const { host, fetchFrom } = await startMany(t, listener, { deadline })
  const full = heard(16)
  const silent = Array.from({ length: 16 }, (_, name) => fetchFrom(name))
  const waiting = Array.from({ length: 6 }, (_, name) => fetchFrom(`late-${name}`))
  await full
  const entered = heard(22)
  for (let index = 0; index < 6; index++) pass(index)
  await entered
  // With patience left.
  all()
  await Promise.all([...silent, ...waiting])
  const again = heard(28)
  const held = waiting.map((_, name) => fetchFrom(`late-${name}`))
  await again
  assert.equal(host.connections(), 28)
  all()
  await Promise.all(held)
})
