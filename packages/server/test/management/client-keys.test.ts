// Document 004: a customer's own people give their program keys to prove itself by, and replace them while it runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, type TestServer } from '../harness.ts'
import { assertInvalidClient, assertToken } from '../oauth/answers.ts'
import { publish } from '../oauth/published.ts'
import { assertionClaims, type Key, makeKey, sign, withAssertion } from '../oauth/signed.ts'
import { assertProblem, change, manager, organizationPlace, startManaged } from './managed.ts'

const customer = organizationPlace('acme', 'customer')

/** An app of the customer's that its admin has made, with the path of its credentials. */
async function makeProver(server: TestServer): Promise<readonly [clientId: string, path: string]> {
  const plan = { plan: 'reader' }
  const moved = await change(await manager(server), '/tenants/acme/organizations/customer', plan)
  assert.equal(moved.status, 200, moved.text)
  const admin = await manager(server, ['organization_admin'], customer)
  const scopes = { rest: ['read'] }
  const made = await admin.call('POST', '/tenants/acme/organizations/customer/apps', {
    body: { id: 'prover', name: 'Prover', client_authentication: ['private_key_jwt'], scopes },
  })
  assert.equal(made.status, 201, made.text)
  return [made.json.client_id, `/tenants/acme/apps/${made.json.client_id}/credentials`]
}

async function ask(server: TestServer, clientId: string, key: Key, kid: string) {
  const assertion = await sign(key, assertionClaims(clientId, server.clock()), { kid })
  return server.token('acme', withAssertion(assertion))
}

forEachStore((_engine, suite) => {
  test('004-14: a member of the organization uploads keys of a set, two are live at once, and one that goes is refused', async (t) => {
    const server = await startManaged(t, suite)
    const [clientId, path] = await makeProver(server)
    const member = await manager(server, ['api_credentials_manager'], customer)
    const [first, second] = [await makeKey(), await makeKey('PS256')]
    for (const [id, key] of [['first', first] as const, ['second', second] as const]) {
      const body = { id, public_key: { ...key.publicJwk, kid: id } }
      const uploaded = await member.call('POST', path, { body })
      assert.deepEqual([uploaded.status, uploaded.json.kind], [201, 'public_key'], uploaded.text)
    }
    assertToken(await ask(server, clientId, first, 'first'))
    assertToken(await ask(server, clientId, second, 'second'))
    assert.equal((await member.call('DELETE', `${path}/first`)).status, 204)
    assertInvalidClient(await ask(server, clientId, first, 'first'))
    assertToken(await ask(server, clientId, second, 'second'))
  })

  test('004-14: or gives the place of a set, whose keys are all live; a private host is refused', async (t) => {
    const [first, second] = [await makeKey(), await makeKey()]
    const { documents, fetchJson, fetched } = publish('https://keys.example', first, 'first')
    const place = 'https://keys.example/keys'
    documents[place] = {
      keys: [
        { ...first.publicJwk, kid: 'first' },
        { ...second.publicJwk, kid: 'second' },
      ],
    }
    const server = await startManaged(t, suite, { fetchJson })
    const [clientId, path] = await makeProver(server)
    const member = await manager(server, ['api_credentials_manager'], customer)
    const give = (uri: string) => member.call('POST', path, { body: { id: 'set', jwks_uri: uri } })
    assertProblem(await give('https://169.254.169.254/keys'), 400, 'invalid_body')
    assertProblem(await give('http://keys.example/keys'), 400, 'invalid_body')
    assert.deepEqual(fetched, [])
    assert.equal((await give(place)).json.kind, 'jwks_uri')
    assertToken(await ask(server, clientId, first, 'first'))
    assertToken(await ask(server, clientId, second, 'second'))
  })

  test('004-14: somebody of another organization, or without the role for it, gives it no key', async (t) => {
    const server = await startManaged(t, suite)
    const [, path] = await makeProver(server)
    const body = { public_key: (await makeKey()).publicJwk }
    const stranger = await manager(server, ['organization_admin'], organizationPlace('acme', 'globex'))
    assertProblem(await stranger.call('POST', path, { body }), 404, 'not_found')
    const developer = await manager(server, ['developer'], customer)
    assertProblem(await developer.call('POST', path, { body }), 403, 'forbidden')
  })
})
