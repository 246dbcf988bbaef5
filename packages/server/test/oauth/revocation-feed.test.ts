/** The revocation feed: what there is, then what comes, for the APIs of one tenant and for nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeApp } from '../../src/store/apps.ts'
import { removeCredential } from '../../src/store/credentials.ts'
import { saveOrganization } from '../../src/store/organizations.ts'
import { savePlan } from '../../src/store/plans.ts'
import { revoke } from '../../src/store/revocations.ts'
import { forEachStore, oneStore, startTestServer, startTwoServers, type TestServer } from '../harness.ts'
import { asksFor, asksForJson } from './accept-spellings.ts'
import { assertError, assertInvalidClient, assertThrottled, assertToken } from './answers.ts'
import { assertRevoked, resourceServer, revokeToken, tokenOf } from './ends.ts'
import { app, blueprint, generated, tenant } from './sample.ts'

const twoSecrets = [...generated, { id: 'second', secret: 'generated' }]
const apps = [app('sync', { credentials: twoSecrets }), app('other'), resourceServer]
const bare = { dialect: { token: { claims: { sub: '${client_id}', iat: '${iat}' } } } }
const text = blueprint(tenant('acme', apps), tenant('bare', apps, bare))
const path = '/acme/oauth2/revocations'

interface Event {
  readonly name: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what was sent
  readonly data: any
}

const parseEvents = (stream: string): Event[] =>
  stream.split('\n\n').flatMap((block) => {
    const fields = new Map(block.split('\n').map((line) => line.split(': ', 2) as [string, string]))
    const name = fields.get('event')
    const data = block.split('\n').find((line) => line.startsWith('data: '))
    return name === undefined || data === undefined
      ? []
      : [{ name, id: fields.get('id'), data: JSON.parse(data.slice('data: '.length)) }]
  })

class Following {
  stream = ''
  isEnded = false
  stop = () => {}
  readonly #waiting: (() => void)[] = []

  get events(): Event[] {
    return parseEvents(this.stream)
  }

  named(name: string): Event[] {
    return this.events.filter((event) => event.name === name)
  }

  write(text: string): void {
    assert.equal(this.isEnded, false, 'told after the end')
    this.stream += text
    for (const wake of this.#waiting.splice(0)) wake()
  }

  end(): void {
    this.isEnded = true
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

async function follow(server: TestServer, query = '', tenantId = 'acme'): Promise<Following> {
  const reply = await server.request({
    url: `/${tenantId}/oauth2/revocations${query}`,
    basic: server.credential(tenantId, 'api'),
    headers: { accept: 'text/event-stream' },
  })
  assert.equal(reply.status, 200, reply.text)
  assert.equal(reply.headers['Content-Type'], 'text/event-stream')
  const following = new Following()
  following.stream = reply.text
  following.stop =
    reply.follow?.({
      write: (text) => following.write(text),
      end: () => following.end(),
    }) ?? assert.fail('the answer does not go on')
  await following.until(() => following.named('ready').length > 0 || following.isEnded)
  return following
}

forEachStore((_engine, suite) => {
  test('product 3: an API gets what is revoked, and at once what is revoked from then on', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [early, late] = [await tokenOf(server), await tokenOf(server)]
    await revokeToken(server, early)
    const following = await follow(server)
    t.after(() => following.stop())
    const idOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti
    assert.deepEqual(
      following.named('revocation').map(({ data }) => data.id),
      [idOf(early)],
    )
    await revokeToken(server, late)
    await following.until(() => following.named('position').length > 0)
    assert.deepEqual(following.named('revocation').at(-1)?.data, {
      kind: 'token',
      id: idOf(late),
      issued_until: server.clock(),
      expires_at: server.clock() + 600,
    })
    const snapshot = await server.request({ url: path, basic: server.credential('acme', 'api') })
    assert.equal(snapshot.json.revocations.length, 2)
    assert.equal(snapshot.json.seq, Number(following.named('position')[0]?.id))
    assert.deepEqual(snapshot.json.claims.app, ['client_id', 'sub'])
  })

  test('product 3: whoever comes again is told what it has missed, and nothing else', async (t) => {
    const server = await startTestServer(t, suite, text)
    const first = await follow(server)
    first.stop()
    const position = first.named('ready')[0]?.id
    await revokeToken(server, await tokenOf(server))
    const again = await follow(server, `?after=${position}`)
    t.after(() => again.stop())
    assert.equal(again.named('revocation').length, 1)
    const upToDate = await follow(server, `?after=${again.named('position')[0]?.id}`)
    t.after(() => upToDate.stop())
    assert.equal(upToDate.named('revocation').length, 0)
    assert.equal(upToDate.named('reset').length, 0)
    const unknown = await follow(server, '?after=999999')
    t.after(() => unknown.stop())
    assert.equal(unknown.named('reset').length, 1)
    assert.ok(unknown.isEnded)
  })

  test('product 3: an API is let follow again although its app has been read anew meanwhile', async (t) => {
    const server = await startTestServer(t, suite, text, {}, { clientCacheEntries: 2 })
    for (let time = 0; time < 3; time += 1) {
      const following = await follow(server)
      await following.until(() => following.isEnded || following.named('ready').length > 0)
      assert.equal(following.isEnded, false)
      following.stop()
      for (const id of ['sync', 'other'])
        assertToken(await server.token('acme', { basic: server.credential('acme', id) }))
    }
  })

  test('trust R15: what another process has revoked arrives here', async (t) => {
    const [one, elsewhere] = await startTwoServers(t, suite, text)
    const following = await follow(elsewhere)
    assertRevoked(await revokeToken(one, await tokenOf(one)))
    await elsewhere.db.changes.catchUp()
    await following.until(() => following.named('position').length > 0)
    assert.equal(following.named('revocation').length, 1)
    following.stop()
  })

  test('settled: where tokens name neither organization nor credential, the apps that are hit are named', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [named, unnamed] = [await follow(server), await follow(server, '', 'bare')]
    t.after(() => named.stop())
    t.after(() => unnamed.stop())
    for (const tenantId of ['acme', 'bare']) {
      await server.db.write(async (tx) => {
        await revoke(tx, tenantId, { kind: 'organization', subjectId: 'customer' })
        const [clientId] = server.credential(tenantId, 'sync')
        await revoke(tx, tenantId, { kind: 'credential', subjectId: `${clientId} second` })
      })
    }
    await named.until(() => named.named('position').length === 2)
    await unnamed.until(() => unnamed.named('position').length === 2)
    const words = (following: Following) =>
      following
        .named('revocation')
        .map(({ data }) => `${data.kind} ${data.client_id ?? ''} ${data.id}`.replace('  ', ' '))
    const clientId = (tenantId: string, appId: string) => server.credential(tenantId, appId)[0]
    assert.deepEqual(words(named), ['organization customer', `credential ${clientId('acme', 'sync')} second`])
    const all = ['sync', 'other', 'api'].map((appId) => `app ${clientId('bare', appId)}`)
    assert.deepEqual(words(unnamed), [...all.toSorted(), `app ${clientId('bare', 'sync')}`])
  })

  test('trust 19: each tenant has a feed of its own, for its resource servers alone', async (t) => {
    const server = await startTestServer(t, suite, text)
    const following = await follow(server)
    t.after(() => following.stop())
    await revokeToken(server, await tokenOf(server, 'sync', 'bare'), {}, 'bare')
    await revokeToken(server, await tokenOf(server))
    await following.until(() => following.named('position').length > 0)
    assert.equal(following.named('revocation').length, 1)
    assertError(
      await server.request({ url: path, basic: server.credential('acme', 'sync') }),
      'unauthorized_client',
    )
    assertInvalidClient(await server.request({ url: path }))
    assertInvalidClient(await server.request({ url: path, basic: server.credential('bare', 'api') }))
    const malformed = { url: `${path}?after=x`, headers: { accept: 'text/event-stream' } }
    assertError(
      await server.request({ ...malformed, basic: server.credential('acme', 'api') }),
      'invalid_request',
    )
  })

  test('trust 14: who is no longer allowed to follow is cut off', async (t) => {
    const server = await startTestServer(t, suite, text)
    const following = await follow(server)
    const other = await follow(server, '', 'bare')
    t.after(() => other.stop())
    const [clientId] = server.credential('acme', 'api')
    await server.db.write((tx) => removeCredential(tx, 'acme', clientId, 'main'))
    await following.until(() => following.isEnded)
    assert.equal(other.isEnded, false)
  })

  test('trust F14, F19: removed with its tokens, switched off with its organization, or gone before its turn: nobody follows on', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [clientId] = server.credential('acme', 'api')
    const [following, other] = [await follow(server), await follow(server, '', 'bare')]
    // Its own end and the cut-off of its tokens are one write.
    await server.db.write((tx) => removeApp(tx, 'acme', clientId))
    await following.until(() => following.isEnded)
    const organization = { id: 'customer', name: 'The customer', settings: {} }
    await server.db.write((tx) =>
      saveOrganization(tx, 'bare', { ...organization, disabledAt: server.clock() }),
    )
    await other.until(() => other.isEnded)
    await server.db.write((tx) => saveOrganization(tx, 'bare', { ...organization, disabledAt: null }))
    const url = '/bare/oauth2/revocations'
    const headers = { accept: 'text/event-stream' }
    const late = new Following()
    const reply = await server.request({ url, headers, basic: server.credential('bare', 'api') })
    await server.db.write((tx) => removeApp(tx, 'bare', server.credential('bare', 'api')[0]))
    late.stop = reply.follow?.({ write: (told) => late.write(told), end: () => late.end() }) ?? late.stop
    await late.until(() => late.isEnded)
    assert.equal(late.named('ready').length, 0)
  })

  test('product 3: a change of the organization that is none of an app ends nobody', async (t) => {
    const server = await startTestServer(t, suite, text)
    const following = await follow(server)
    t.after(() => following.stop())
    await server.db.write((tx) =>
      saveOrganization(tx, 'acme', { id: 'another', name: 'Another', settings: {} }),
    )
    await revokeToken(server, await tokenOf(server))
    await following.until(() => following.named('position').length > 0)
    assert.equal(following.isEnded, false)
  })

  test('003-20: what may have changed limits is told to the followers of the tenant, and to no other', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [following, other] = [await follow(server), await follow(server, '', 'bare')]
    t.after(() => following.stop())
    t.after(() => other.stop())
    const told = () => following.named('policy').map(({ data }) => data)
    const [clientId] = server.credential('acme', 'other')
    await server.db.write((tx) => removeCredential(tx, 'acme', clientId, 'main'))
    await following.until(() => told().length === 1)
    assert.deepEqual(told(), [{ client_id: clientId }])
    await server.db.write((tx) =>
      saveOrganization(tx, 'acme', { id: 'another', name: 'Another', settings: {} }),
    )
    await following.until(() => told().length === 2)
    assert.equal(following.isEnded, false)
    const plan = { id: 'free', settings: { price: 'free' as const }, blueprint: null }
    await server.db.write((tx) => savePlan(tx, 'acme', plan))
    await following.until(() => following.isEnded)
    assert.deepEqual(told().slice(1), [{}, {}])
    // A position that moved with it would not change: revocations that come meanwhile are still told.
    assert.ok(following.named('policy').every(({ id }) => id === undefined))
    assert.deepEqual(other.named('policy'), [])
  })

  test('product 3: one client follows 4,096 times and no more, until one of them ends; another client is not hindered', async (t) => {
    const server = await startTestServer(t, suite, text)
    const asked = { url: path, headers: { accept: 'text/event-stream' } }
    const basic = server.credential('acme', 'api')
    const reply = await server.request({ ...asked, basic })
    const followings = Array.from({ length: 4_097 }, () => {
      const following = new Following()
      const sink = { write: (told: string) => following.write(told), end: () => following.end() }
      following.stop = reply.follow?.(sink) ?? assert.fail('the answer does not go on')
      t.after(() => following.stop())
      return following
    })
    // All of them were let in before the first of them followed.
    assert.deepEqual([followings.at(-2)?.isEnded, followings.at(-1)?.isEnded], [false, true])
    const refused = await server.request({ ...asked, basic })
    assertThrottled(refused)
    assert.equal((await server.request({ url: path, basic })).status, 200)
    const [first] = followings
    for (const _twice of [1, 2]) first?.stop()
    const again = await server.request({ ...asked, basic })
    assert.equal(again.status, 200)
    const last = new Following()
    t.after(again.follow?.({ write: (told) => last.write(told), end: () => last.end() }))
    assertThrottled(await server.request({ ...asked, basic }))
    const url = '/bare/oauth2/revocations'
    const other = await server.request({ ...asked, url, basic: server.credential('bare', 'api') })
    assert.equal(other.status, 200)
  })

  test('trust R15: a heartbeat says until when nothing was missed', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const server = await startTestServer(t, suite, text)
    const following = await follow(server)
    t.after(() => following.stop())
    await server.advance(5)
    t.mock.timers.tick(5_000)
    await following.until(() => following.named('heartbeat').length > 0)
    assert.equal(following.named('heartbeat')[0]?.data.as_of, server.clock())
  })
})

test('RFC 9110 §12.5.1: the feed goes on for whoever weighs the event stream most, and is one document for all others', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const basic = server.credential('acme', 'api')
  const typeFor = async (accept: string | undefined) => {
    const headers = accept === undefined ? {} : { accept }
    return (await server.request({ url: path, basic, headers })).headers['Content-Type']
  }
  const events = 'text/event-stream'
  for (const accept of asksFor(events)) assert.equal(await typeFor(accept), events, accept)
  for (const accept of asksForJson(events)) assert.equal(await typeFor(accept), 'application/json', accept)
})
