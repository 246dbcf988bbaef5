// Issue 5, 1: a client that is typed by the one table. `tsc` holds the first function, the tests run the rest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fetch, ManagementRefused } from '../../src/management/client.ts'
import {
  type Answer,
  createTypedClient,
  type Terms,
  type TypedClient,
} from '../../src/management/typed-client.ts'
import { forEachStore, type TestServer } from '../harness.ts'
import { manager, startManaged } from './managed.ts'

/** Never called: each line under a mark must be refused by the type checker, or the mark is an error itself. */
export function whatTypesRefuse(client: TypedClient, app: Answer<'readApp'>): void {
  // @ts-expect-error: the path names a tenant
  client.readApp({ app: 'x' })
  // @ts-expect-error: the path names no such thing
  client.readApp({ tenant: 'acme', app: 'x', organization: 'globex' })
  // @ts-expect-error: a path takes texts
  client.readTenant({ tenant: 7 })
  // @ts-expect-error: there is no such operation
  client.eraseApp({ tenant: 'acme', app: 'x' })
  // @ts-expect-error: an app has a name
  client.createApp({ tenant: 'acme', organization: 'globex', body: { id: 'x' } })
  // @ts-expect-error: nam is no member
  client.createApp({ tenant: 'acme', organization: 'globex', body: { id: 'x', name: 'X', nam: 'X' } })
  // @ts-expect-error: a name is a text
  client.createApp({ tenant: 'acme', organization: 'globex', body: { id: 'x', name: 1 } })
  // @ts-expect-error: it takes a body
  client.createApp({ tenant: 'acme', organization: 'globex' })
  // @ts-expect-error: this one takes none
  client.readApp({ tenant: 'acme', app: 'x', body: {} })
  // @ts-expect-error: a change says what it has read
  client.updateApp({ tenant: 'acme', app: 'x', body: { name: 'Y' } })
  // @ts-expect-error: nothing asks for that
  client.listApps({ tenant: 'acme', query: { organisation: 'globex' } })
  // @ts-expect-error: not one of the states
  client.listKeyRequests({ tenant: 'acme', query: { state: 'open' } })
  // @ts-expect-error: one thing is no page
  client.readOrganization({ tenant: 'acme' })
  // @ts-expect-error: an app shows no secret
  app.client_secret
  // @ts-expect-error: this is a number
  const made: string = app.created_at
  // @ts-expect-error: nothing comes back
  client.removeApp({ tenant: 'acme', app: made }).then(({ body }) => body.client_id)
}

const clientOf = (server: TestServer, token: string) =>
  createTypedClient({
    url: 'https://localhost/manage/v1',
    fetch: fetchFrom(server),
    token: async () => token,
  })

/** The test server answers without a socket. */
const fetchFrom =
  (server: TestServer): Fetch =>
  async (url, { method, headers, body }) => {
    const { pathname, search } = new URL(url)
    const { Authorization: authorization = '', ...others } = headers
    const lower = Object.fromEntries(Object.entries(others).map(([name, text]) => [name.toLowerCase(), text]))
    const reply = await server.request({
      ...{ method, url: pathname + search, headers: lower, authorization: [authorization] },
      ...(body !== undefined && { body }),
    })
    return new Response(reply.status === 204 ? null : reply.text, {
      status: reply.status,
      headers: reply.headers,
    })
  }

forEachStore((_engine, suite) => {
  test('issue 5, 1: an app and its secret are made, changed, listed and removed by typed calls', async (t) => {
    const server = await startManaged(t, suite)
    const client = clientOf(server, (await manager(server)).token)
    const body: Terms<'createApp'>['body'] = { id: 'reports', name: 'Reports', scopes: { rest: ['read'] } }

    const made = await client.createApp({ tenant: 'acme', organization: 'globex', body })
    const app: string = made.body.client_id
    const secret = await client.createCredential({ tenant: 'acme', app, body: { secret: 'generated' } })
    assert.match(secret.body.client_secret ?? '', /^sp_test_/)

    const read = await client.readApp({ tenant: 'acme', app })
    const ifMatch = read.etag ?? ''
    const changed = await client.updateApp({ tenant: 'acme', app, ifMatch, body: { scopes: null } })
    assert.deepEqual([changed.body.name, changed.body.scopes], ['Reports', undefined])

    const page = await client.listApps({ tenant: 'acme', query: { organization: 'globex', limit: 1 } })
    assert.deepEqual([page.body.items.length, typeof page.body.next_cursor], [1, 'string'])

    assert.equal((await client.removeApp({ tenant: 'acme', app })).body, null)
    await assert.rejects(
      client.readApp({ tenant: 'acme', app }),
      (error) => error instanceof ManagementRefused && error.code === 'not_found',
    )
    assert.match((await client.readMe()).body.actor, /^app /)
  })
})
