// trust F23, 153: a URL that the server is to fetch from names no host of a private network; nothing is fetched to know it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namesPrivateHost } from '../../src/outbound/literal-host.ts'
import { forEachStore, oneStore } from '../harness.ts'
import { assertProblem, change, manager, startManaged, tenantPlace } from './managed.ts'
import { appOf } from './people.ts'

const privateHosts = [
  ...['localhost', 'LOCALHOST', 'localhost.', 'keys.localhost', '127.0.0.1', '127.1', '2130706433'],
  ...['0x7f000001', '017700000001', '10.0.0.7', '169.254.169.254', '192.168.1.1', '0.0.0.0'],
  ...['[::1]', '[::]', '[fd00::1]', '[fe80::1]', '[::ffff:10.0.0.7]'],
]

test('trust 153: every spelling of a private address is known for one, and a public host is not', () => {
  const isPrivate = (host: string, isAllowed = (_: string) => false) =>
    namesPrivateHost(`https://${host}:8443/jwks`, isAllowed)
  for (const host of privateHosts) assert.ok(isPrivate(host), host)
  for (const host of ['keys.example', '93.184.216.34', '[2606:2800:220:1::1]', 'localhost.example'])
    assert.ok(!isPrivate(host), host)
  const isAllowed = (address: string) => address === '10.0.0.7' || address === '127.0.0.1'
  for (const host of ['10.0.0.7', 'localhost']) assert.ok(!isPrivate(host, isAllowed), host)
  assert.ok(isPrivate('10.0.0.8', isAllowed))
})

test('trust 153: a key set, a federation rule and a trusted issuer of a private host are refused at their place', async (t) => {
  const fetched: string[] = []
  const fetchJson = async (url: string) => {
    fetched.push(url)
    return { ok: false as const, reason: 'no network in tests' }
  }
  const server = await startManaged(t, oneStore, { fetchJson })
  const operator = await manager(server)
  const app = appOf(server, 'sync')
  assert.equal((await change(operator, app, { client_authentication: ['private_key_jwt'] })).status, 200)
  const pointers = async (method: string, path: string, body: object) => {
    const answer = await operator.call(method, path, { body })
    assertProblem(answer, 400, 'invalid_body')
    return answer.json.errors.map(({ pointer }: { readonly pointer: string }) => pointer)
  }
  const issuer = 'https://idp.example'
  for (const host of privateHosts.slice(3)) {
    const uri = `https://${host}/jwks`
    assert.deepEqual(await pointers('POST', `${app}/credentials`, { jwks_uri: uri }), ['/jwks_uri'], host)
    const trusted = { issuer, jwks_uri: uri, apps: ['sync'] }
    assert.deepEqual(await pointers('POST', '/tenants/acme/trusted-issuers', trusted), ['/jwks_uri'], host)
  }
  const here = { issuer: 'https://127.0.0.1', apps: ['sync'] }
  assert.deepEqual(await pointers('POST', '/tenants/acme/trusted-issuers', here), ['/issuer'])
  const moved = await change(operator, '/tenants/acme', { trusted_issuers: [here] })
  assert.deepEqual(moved.json.errors?.[0]?.pointer, '/trusted_issuers/0/issuer')
  const good = await operator.call('POST', `${app}/credentials`, {
    body: { jwks_uri: 'https://keys.example/jwks' },
  })
  assert.equal(good.status, 201, good.text)
  assert.deepEqual(fetched, [])
})

forEachStore((_engine, suite) => {
  test('trust 153: what DNS knows by a private address, or not at all, is refused alike; what stood there may stay', async (t) => {
    const known: Record<string, string> = { 'idp.example': '93.184.216.34', 'intranet.example': '10.0.0.7' }
    const looked: string[] = []
    const lookup = async (name: string) => {
      looked.push(name)
      const address = known[name]
      if (address === undefined) throw new Error('no such name')
      return [{ address, family: 4 }]
    }
    const server = await startManaged(t, suite, { lookup })
    const operator = await manager(server)
    const app = appOf(server, 'sync')
    assert.equal((await change(operator, app, { client_authentication: ['private_key_jwt'] })).status, 200)
    const path = '/tenants/acme/trusted-issuers'
    const told = new Set<string>()
    const refuse = async (to: string, body: object) => {
      const answer = await operator.call('POST', to, { body })
      assertProblem(answer, 400, 'invalid_body')
      told.add(JSON.stringify(answer.json.errors).replace('/issuer', '/jwks_uri'))
    }
    for (const host of ['intranet.example', 'nobody.example']) {
      await refuse(`${app}/credentials`, { jwks_uri: `https://${host}/jwks` })
      await refuse(path, { issuer: 'https://idp.example', jwks_uri: `https://${host}/jwks`, apps: ['*'] })
      await refuse(path, { issuer: `https://${host}`, apps: ['*'] })
    }
    assert.equal(told.size, 1, [...told].join())
    const made = await operator.call('POST', path, { body: { issuer: 'https://idp.example', apps: ['*'] } })
    assert.equal(made.status, 201, made.text)
    delete known['idp.example']
    const issuer = `${path}/${made.json.id}`
    assert.equal((await change(operator, issuer, { maximum_assertion_seconds: 60 })).status, 200)
    assert.equal((await change(operator, '/tenants/acme', { access_token_seconds: 300 })).status, 200)
    const more = { trusted_issuers: [{ issuer: 'https://intranet.example', apps: ['*'] }] }
    assertProblem(await change(operator, '/tenants/acme', more), 400, 'invalid_body')
    looked.length = 0
    const reader = await manager(server, ['auditor'], tenantPlace('acme'))
    const body = { issuer: 'https://intranet.example', apps: ['*'] }
    assertProblem(await reader.call('POST', path, { body }), 403, 'forbidden')
    assert.deepEqual(looked, [])
  })
})
