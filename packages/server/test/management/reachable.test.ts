// trust F23, 153: a URL that the server is to fetch from names no host of a private network; nothing is fetched to know it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namesPrivateHost } from '../../src/outbound/literal-host.ts'
import { oneStore } from '../harness.ts'
import { assertProblem, change, manager, startManaged } from './managed.ts'

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
  const app = `/tenants/acme/apps/${server.credential('acme', 'sync')[0]}`
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
