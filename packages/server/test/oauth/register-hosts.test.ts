// Trust 153: where a client says that its keys are, as DNS knows it: a host of a private network is none, under whatever name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Doubles } from '../harness.ts'
import { forEachStore } from '../harness.ts'
import { assertRefused, registeredApps, startRegistering } from './registering.ts'

const hosts: Readonly<Record<string, string>> = {
  'keys.example': '93.184.216.34',
  'intranet.example': '10.0.0.7',
  'loopback.example': '127.0.0.1',
  'metadata.example': '169.254.169.254',
  'six.example': 'fe80::1',
}

function network() {
  const fetched: string[] = []
  const looked: string[] = []
  const doubles: Doubles = {
    async lookup(name) {
      looked.push(name)
      const address = hosts[name]
      if (address === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
      return [{ address, family: address.includes(':') ? 6 : 4 }]
    },
    async fetchJson(url) {
      fetched.push(url)
      return { ok: false, reason: 'no network in tests' }
    },
  }
  return { doubles, fetched, looked }
}

const withKeysAt = (host: string) => ({
  token_endpoint_auth_method: 'private_key_jwt',
  jwks_uri: `https://${host}/jwks`,
})

forEachStore((_engine, suite) => {
  test('trust 153: a public-looking name of a private host is refused as one that nobody has, to the byte, and nothing is fetched', async (t) => {
    const { doubles, fetched } = network()
    const world = await startRegistering(t, suite, doubles)
    const token = await world.give()
    const answers = new Set<string>()
    for (const host of [...Object.keys(hosts).slice(1), 'nobody.example', '127.0.0.1', 'localhost']) {
      const answer = await world.register(token, withKeysAt(host))
      assertRefused(answer, 400, 'invalid_client_metadata')
      answers.add(answer.text)
    }
    assert.equal(answers.size, 1, [...answers].join())
    assert.equal((await registeredApps(world)).length, 0)
    const answer = await world.register(token, withKeysAt('keys.example'))
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual(fetched, [])
  })

  test('trust 153: nor can a client move its keys there later; and for a stranger nothing is looked up', async (t) => {
    const { doubles, looked } = network()
    const world = await startRegistering(t, suite, doubles)
    const answer = await world.register(await world.give(), withKeysAt('keys.example'))
    const { client_id } = answer.json
    const put = (host: string, options = {}) =>
      world.configure('PUT', answer, { body: { client_id, ...withKeysAt(host) }, ...options })
    assertRefused(await put('intranet.example'), 400, 'invalid_client_metadata')
    assert.equal((await world.configure('GET', answer)).json.jwks_uri, 'https://keys.example/jwks')
    looked.length = 0
    await put('intranet.example', { token: 'nobody' })
    await world.register('nobody', withKeysAt('intranet.example'))
    await world.register(null, withKeysAt('intranet.example'))
    assert.deepEqual(looked, [])
  })
})
