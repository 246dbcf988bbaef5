import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { forEachStore, startTestServer } from '../harness.ts'

const blueprint = `
blueprint: tests
tenants:
  - id: acme
    name: Acme
    environment: test
    apis:
      - id: rest
        audience: https://api.acme.example
        scopes: { read: Read, write: Write }
    organizations:
      - id: customer
        name: Customer
        apps:
          - id: sync
            name: Sync
            scopes: { rest: [read, write] }
            credentials: [{ id: main, secret: generated }]
`

forEachStore((_engine, suite) => {
  test('RFC 6749 §4.4: a client with its secret in a Basic header gets a JWT of RFC 9068 with all its scopes', async (t) => {
    const server = await startTestServer(t, suite, blueprint)
    const reply = await server.token('acme', { basic: server.credential('acme', 'sync') })
    assert.equal(reply.status, 200)
    assert.deepEqual(Object.keys(reply.json), ['access_token', 'token_type', 'expires_in', 'scope'])
    assert.equal(reply.json.scope, 'read write')
    assert.equal(decodeProtectedHeader(reply.json.access_token).typ, 'at+jwt')
    assert.equal(decodeJwt(reply.json.access_token).iss, 'https://localhost:8443/acme')
  })
})
