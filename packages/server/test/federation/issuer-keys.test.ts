// trust 67, R17, F38: what an outside issuer says of its keys, while its metadata can be had and while it cannot.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createIssuerKeys } from '../../src/federation/issuer-keys.ts'
import { createRemoteKeySets } from '../../src/keys/remote-key-sets.ts'
import type { FetchJson } from '../../src/outbound/fetch-json.ts'
import { makeKey } from '../oauth/signed.ts'
import { createClock } from '../store/each-store.ts'

const issuer = 'https://issuer.example'
const metadataUrl = `${issuer}/.well-known/openid-configuration`
const keysUrl = `${issuer}/keys`

async function start() {
  const clock = createClock()
  const origin = { isDown: false, keysUrl, fetched: [] as string[], silent: '' }
  const jwk = { ...(await makeKey()).publicJwk, kid: 'one' }
  const fetchJson: FetchJson = async (url) => {
    origin.fetched.push(url)
    if (url === origin.silent) return new Promise(() => {})
    if (origin.isDown && url === metadataUrl) return { ok: false, reason: 'it answers 503' }
    const [named, isMetadata] = url.split('/.well-known/openid-configuration')
    const value = isMetadata === undefined ? { keys: [jwk] } : { issuer: named, jwks_uri: origin.keysUrl }
    return { ok: true, value, maxAgeSeconds: 3_600 }
  }
  const options = { fetchJson, clock, onFailure: () => {} }
  const ends: AbortController[] = []
  const deadline = () => {
    const end = new AbortController()
    ends.push(end)
    return end.signal
  }
  const issuerKeys = createIssuerKeys({ ...options, keySets: createRemoteKeySets(options), deadline })
  const count = async (of = issuer, owner = 'acme') =>
    (await issuerKeys.keysFor({ issuer: of, subject: 'robot' }, { kid: 'one', owner })).length
  return { clock, origin, ends, count }
}

test('trust 178: while its metadata cannot be had an issuer stays for ten minutes and no longer', async () => {
  const { clock, origin, count } = await start()
  assert.equal(await count(), 1)
  origin.isDown = true
  clock.advance(3_600)
  assert.equal(await count(), 1)
  const asked = origin.fetched.length
  await count()
  assert.equal(origin.fetched.length, asked, 'a failure is remembered for a while')
  clock.advance(599)
  assert.equal(await count(), 1)
  clock.advance(1)
  assert.equal(await count(), 0)
  origin.isDown = false
  clock.advance(10)
  assert.equal(await count(), 1)
})

test('trust R17, F38: after a clock was set back the metadata is asked for again, and good for ten minutes without', async () => {
  const { clock, origin, count } = await start()
  assert.equal(await count(), 1)
  clock.advance(-7_200)
  origin.keysUrl = `${issuer}/moved`
  assert.equal(await count(), 1)
  assert.deepEqual(origin.fetched.slice(2), [metadataUrl, `${issuer}/moved`])
  clock.advance(-7_200)
  origin.isDown = true
  assert.equal(await count(), 1)
  clock.advance(600)
  assert.equal(await count(), 0)
})

test('trust R17: an issuer that could not be had is asked again after a clock was set back', async () => {
  const { clock, origin, count } = await start()
  origin.isDown = true
  assert.equal(await count(), 0)
  clock.advance(-3_600)
  origin.isDown = false
  assert.equal(await count(), 1)
})

test('trust 67: metadata and keys have one deadline together', async () => {
  const { origin, ends, count } = await start()
  origin.silent = keysUrl
  const counting = count()
  while (origin.fetched.length < 2) await turn()
  assert.deepEqual(origin.fetched, [metadataUrl, keysUrl])
  assert.equal(ends.length, 1)
  ends[0]?.abort()
  assert.equal(await counting, 0)
})

test('trust 178: whoever no longer waits for the metadata has what was known of it', async () => {
  const { clock, origin, ends, count } = await start()
  assert.equal(await count(), 1)
  clock.advance(3_600)
  origin.silent = metadataUrl
  const counting = count()
  while (origin.fetched.length < 3) await turn()
  ends[1]?.abort()
  assert.equal(await counting, 1)
})

test('trust R12: whoever names many issuers has nobody else ask his own again', async () => {
  const { origin, count } = await start()
  await count()
  for (let index = 0; index < 1_500; index++) assert.equal(await count(`${issuer}/${index}`, 'flood'), 1)
  origin.isDown = true
  const asked = origin.fetched.length
  assert.equal(await count(), 1)
  assert.equal(origin.fetched.length, asked)
})
