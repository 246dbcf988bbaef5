// trust.md part 2 B and part 1: who is asking, and the one answer for everybody who has not proven it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saveApp } from '../../src/store/apps.ts'
import { removeCredential, saveCredential } from '../../src/store/credentials.ts'
import { basic, forEachStore, startTestServer, type TestServer } from '../harness.ts'
import {
  assertError,
  assertInvalidClient,
  assertRefused,
  assertToken,
  assertUnavailable,
  freshAddress,
  grant,
} from './answers.ts'
import { setCredential, setDisabled } from './rows.ts'
import { app, blueprint, generated, organization, tenant } from './sample.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const wrong = `sp_test_${'x'.repeat(49)}`

/** An app whose client id a blueprint would not take, with a secret of our choosing. */
async function saveClient(
  { db, store }: TestServer,
  tenantId: string,
  clientId: string,
  secret: string,
): Promise<void> {
  await db.write(async (tx) => {
    await saveApp(tx, tenantId, {
      clientId,
      id: `app-${Buffer.from(clientId).toString('hex').slice(0, 40)}`,
      organizationId: 'customer',
      name: 'By hand',
      settings: { scopes: { rest: ['read'] } },
    })
    await saveCredential(tx, tenantId, clientId, {
      id: 'main',
      ...store.hasher.hash(tenantId, clientId, secret),
    })
  })
}

/** RFC 6749 App. B, as a careful client encodes. */
const encoded = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)

forEachStore((_engine, suite) => {
  test('trust 24-41: a client is who it proves to be, and every failure looks the same', async (t) => {
    const apps = [
      app('sync'),
      app('basic-only', { client_authentication: ['client_secret_basic'] }),
      app('post-only', { client_authentication: ['client_secret_post'] }),
      app('public', { client_authentication: ['none'], credentials: [] }),
    ]
    const server = await startTestServer(
      t,
      suite,
      blueprint(tenant('acme', apps), tenant('other', [app('sync')])),
    )
    const sync = server.credential('acme', 'sync')
    const [clientId, clientSecret] = sync
    const ask = (request: Parameters<TestServer['token']>[1]) =>
      server.token('acme', { clientAddress: freshAddress(), ...request })

    await t.test('trust 24: without credentials there is no client', async () => {
      assertInvalidClient(await ask({}))
      assertInvalidClient(await ask({ body: { ...grant, client_id: clientId } }))
      assertInvalidClient(await ask({ body: { ...grant, client_id: 'nobody' } }))
      assertInvalidClient(await ask({ body: { ...grant, client_secret: clientSecret } }))
    })

    await t.test('trust 26-27: an unknown client and a wrong secret get the same bytes', async () => {
      const replies = [
        await ask({ basic: ['nobody', clientSecret] }),
        await ask({ basic: [clientId, wrong] }),
        await ask({ basic: [clientId, clientSecret.slice(0, -1)] }),
        await ask({ basic: [clientId, `${clientSecret}x`] }),
        await ask({ basic: [clientId, clientSecret.toUpperCase()] }),
        await ask({ basic: [clientId.toUpperCase(), clientSecret] }),
        await ask({ basic: [clientId, `${clientSecret}\0`] }),
      ]
      for (const reply of replies) {
        assertInvalidClient(reply)
        assert.deepEqual(reply, replies[0])
      }
    })

    await t.test(
      'trust 28: an id and a secret of every character work, form-encoded in a Basic header',
      async () => {
        const odd = ['we:i%r+d ü', 's:e%c+r e/t=&ü?'] as const
        await saveClient(server, 'acme', ...odd)
        assertToken(await ask({ basic: [encoded(odd[0]), encoded(odd[1])] }))
        assertToken(
          await ask({
            basic: [encoded(odd[0]).replaceAll('+', '%20'), encoded(odd[1]).replaceAll('+', '%20')],
          }),
        )
        assertToken(await ask({ body: { ...grant, client_id: odd[0], client_secret: odd[1] } }))
        assertInvalidClient(await ask({ basic: [encoded(odd[0]), `${encoded(odd[1])}x`] }))
      },
    )

    await t.test('000-06, 002-08, 004-08: a secret with % and + works raw and encoded', async () => {
      const secret = 'a%41b+c%2Fd/e==f%'
      await saveClient(server, 'acme', 'imported', secret)
      assertToken(await ask({ basic: ['imported', secret] }))
      assertToken(await ask({ basic: ['imported', encoded(secret)] }))
      assertInvalidClient(await ask({ basic: ['imported', secret.replace('%41', 'A')] }))
    })

    await t.test('settled: a Basic header whose two readings name two clients is nobody', async () => {
      await saveClient(server, 'acme', 'twin%41', 'the-same-secret-of-both')
      await saveClient(server, 'acme', 'twinA', 'the-same-secret-of-both')
      assertInvalidClient(await ask({ basic: ['twin%41', 'the-same-secret-of-both'] }))
      assertToken(await ask({ basic: ['twinA', 'the-same-secret-of-both'] }))
      assertToken(await ask({ basic: ['twin%2541', 'the-same-secret-of-both'] }))
    })

    await t.test(
      'trust 30-32, 40, F28: a header that is not exactly one Basic credential is a failed one',
      async () => {
        const good = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
        for (const header of [
          ...[
            'Basic',
            'Basic ',
            'Basic !!!!',
            'Basic YQ',
            `Basic ${good}=`,
            `Basic ${good} `,
            ` Basic ${good}`,
          ],
          ...[
            `Basic\t${good}`,
            `Basic  ${good}`,
            `Basic ${good},`,
            `Basic ${good}, Basic ${good}`,
            `Basic=${good}`,
          ],
          ...[
            `Basic "${good}"`,
            `Basic ${good}\t`,
            `Basic:${good}`,
            `Basi ${good}`,
            `BasicX ${good}`,
            good,
            '',
          ],
          ...[
            'Bearer x',
            `Bearer ${good}`,
            'Digest username="x"',
            `Basic realm="x" ${good}`,
            'DPoP x',
            'Negotiate x',
          ],
          ...[basic(clientId, ''), basic('', clientSecret), basic('', ''), `Basic ${btoa(clientId)}`],
          ...[`Basic ${btoa(`${clientId}\0:${clientSecret}`)}`, `Basic ${btoa(`\xff\xfe:${clientSecret}`)}`],
          `Basic ${good.slice(0, 20)}\n${good.slice(20)}`,
        ]) {
          assertInvalidClient(await ask({ authorization: [header] }))
          // Credentials in the body do not mend it: that would be a second method.
          const both = await ask({
            authorization: [header],
            body: { ...grant, client_id: clientId, client_secret: clientSecret },
          })
          assertError(both, 'invalid_request')
        }
      },
    )

    await t.test('trust F28: two Authorization headers are refused, also when they are equal', async () => {
      const header = basic(...sync)
      for (const second of [header, 'Bearer x', '', basic('other', wrong)]) {
        assertInvalidClient(await ask({ authorization: [header, second] }))
        assertInvalidClient(await ask({ authorization: [second, header] }))
      }
    })

    await t.test('trust 33: a wrong secret in the body is answered like one in the header', async () => {
      for (const secret of [wrong, ' ', `${clientSecret} `, `"${clientSecret}"`]) {
        assertInvalidClient(await ask({ body: { ...grant, client_id: clientId, client_secret: secret } }))
      }
      assertToken(await ask({ body: { ...grant, client_id: clientId, client_secret: clientSecret } }))
    })

    await t.test('trust 34: two methods in one request are refused, both right or not', async () => {
      const other = server.credential('acme', 'basic-only')
      const bodies = [
        { client_id: clientId, client_secret: clientSecret },
        { client_secret: clientSecret },
        { client_id: other[0], client_secret: other[1] },
        { client_id: clientId, client_secret: wrong },
      ]
      for (const body of bodies) {
        assertError(await ask({ basic: sync, body: { ...grant, ...body } }), 'invalid_request')
      }
    })

    await t.test(
      'RFC 6749 §2.3.1: naming the client again in the body is allowed, naming another is not',
      async () => {
        assertToken(await ask({ basic: sync, body: { ...grant, client_id: clientId } }))
        assertToken(await ask({ basic: sync, body: { ...grant, client_id: '' } }))
        for (const other of ['nobody', server.credential('acme', 'basic-only')[0], clientId.toUpperCase()]) {
          assertInvalidClient(await ask({ basic: sync, body: { ...grant, client_id: other } }))
        }
      },
    )

    await t.test('trust 38: the scheme has no case', async () => {
      for (const scheme of ['basic', 'BASIC', 'bAsIc']) {
        assertToken(await ask({ authorization: [basic(...sync).replace('Basic', scheme)] }))
      }
    })

    await t.test('trust 41: a client registered for one method cannot use another', async () => {
      const onlyBasic = server.credential('acme', 'basic-only')
      const onlyPost = server.credential('acme', 'post-only')
      const inBody = ([client_id, client_secret]: readonly [string, string]) => ({
        body: { ...grant, client_id, client_secret },
      })
      assertToken(await ask({ basic: onlyBasic }))
      assertInvalidClient(await ask(inBody(onlyBasic)))
      assertToken(await ask(inBody(onlyPost)))
      assertInvalidClient(await ask({ basic: onlyPost }))
    })

    await t.test('trust 76: a public client is known by name and still gets nothing here', async () => {
      const row = await server.db.kysely
        .selectFrom('apps')
        .select('client_id')
        .where('id', '=', 'public')
        .executeTakeFirstOrThrow()
      const named = { ...grant, client_id: row.client_id }
      assertError(await ask({ body: named }), 'unauthorized_client')
      assertInvalidClient(await ask({ body: { ...named, client_secret: clientSecret } }))
      assertInvalidClient(await ask({ basic: [row.client_id, clientSecret] }))
    })

    await t.test('trust F20, 002-05, 002-07: credentials of one tenant are nothing in another', async () => {
      const other = server.credential('other', 'sync')
      assertInvalidClient(
        await server.token('other', { basic: sync, clientAddress: freshAddress() }),
        'https://localhost:8443/other',
      )
      assertInvalidClient(await ask({ basic: other }))
      // The same client id in both, each with its own secret.
      await saveClient(server, 'acme', 'same-name', 'secret-of-same-name-at-acme')
      await saveClient(server, 'other', 'same-name', 'secret-of-same-name-at-other')
      assertToken(await ask({ basic: ['same-name', 'secret-of-same-name-at-acme'] }))
      assertInvalidClient(await ask({ basic: ['same-name', 'secret-of-same-name-at-other'] }))
      const request = { basic: ['same-name', 'secret-of-same-name-at-other'] as const }
      const reply = await server.token('other', request)
      assertToken(reply)
    })

    await t.test(
      'settled: the order of checks is grant type, client, what the client may, target, scope',
      async () => {
        const lists: [Readonly<Record<string, string>>, string][] = [
          [{ scope: 'no', resource: 'no' }, 'invalid_request'],
          [{ grant_type: 'no', scope: 'no', resource: 'no' }, 'unsupported_grant_type'],
        ]
        for (const [body, error] of lists) assertError(await ask({ body }), error)
        assertInvalidClient(await ask({ body: { ...grant, scope: 'no', resource: 'no' } }))
        assertError(
          await ask({ basic: sync, body: { ...grant, scope: 'no', resource: 'no' } }),
          'invalid_target',
        )
        assertError(await ask({ basic: sync, body: { ...grant, scope: 'no' } }), 'invalid_scope')
      },
    )

    await t.test('trust F24: no parameter and no header reaches what only the server decides', async () => {
      const internal = {
        ...{
          tenant_id: 'other',
          tenant: 'other',
          client: 'x',
          iss: 'https://evil.example',
          sub: 'root',
          aud: 'x',
        },
        ...{
          exp: '9999999999',
          expires_in: '9999999',
          iat: '0',
          jti: 'x',
          org_id: 'x',
          cred: 'x',
          scopes: 'admin',
        },
        ...{
          'scopes[]': 'admin',
          roles: 'admin',
          is_disabled: 'false',
          token_type: 'x',
          now: '0',
          userId: 'root',
        },
        ...{ 'client.isDisabled': 'false', alg: 'none', kid: 'x', typ: 'JWT', token: 'x' },
      }
      const reply = await ask({
        basic: sync,
        body: { ...grant, ...internal },
        headers: { ...form, 'x-client-id': 'x', 'x-tenant': 'other', 'x-forwarded-user': 'root', iss: 'x' },
      })
      const claims = JSON.parse(
        Buffer.from(assertToken(reply).split('.')[1] ?? '', 'base64url').toString(),
      ) as Record<string, unknown>
      assert.deepEqual(
        { ...claims, jti: 0 },
        {
          ...{ iss: 'https://localhost:8443/acme', sub: clientId, aud: 'https://api.acme.example' },
          ...{ exp: server.clock() + 600, iat: server.clock(), jti: 0, client_id: clientId },
          ...{ scope: 'read write', org_id: 'customer', cred: 'main' },
        },
      )
      assert.equal(reply.json.expires_in, 600)
    })
  })

  test('trust 42, F14, F15: whoever was switched off, removed or has expired is refused from the next request on', async (t) => {
    const credentials = [...generated, { id: 'second', secret: 'generated', expires_at: '2027-01-16' }]
    const server = await startTestServer(
      t,
      suite,
      blueprint(
        tenant('acme', [app('sync', { credentials })], {
          organizations: [
            organization('customer', [app('sync', { credentials })]),
            organization('neighbour', [app('still-here')]),
          ],
        }),
      ),
    )
    const { db } = server
    const sync = server.credential('acme', 'sync')
    const second = server.credential('acme', 'sync', 'second')
    const neighbour = server.credential('acme', 'still-here')
    const [clientId] = sync
    const ask = (credential: readonly [string, string]) =>
      server.token('acme', { basic: credential, clientAddress: freshAddress() })
    const all = async (assertion: typeof assertInvalidClient | typeof assertToken) => {
      assertion(await ask(sync))
      assertToken(await ask(neighbour))
    }

    for (const [noun, subjectId] of [
      ['app', clientId],
      ['organization', 'customer'],
    ] as const) {
      await t.test(`trust 42: a disabled ${noun}`, async () => {
        await all(assertToken)
        await setDisabled(db, noun, 'acme', subjectId, server.clock())
        await all(assertInvalidClient)
        await setDisabled(db, noun, 'acme', subjectId, null)
        await all(assertToken)
      })
    }

    await t.test('trust 42: a disabled tenant', async () => {
      await setDisabled(db, 'tenant', 'acme', 'acme', server.clock())
      assertInvalidClient(await ask(sync))
      assertInvalidClient(await ask(neighbour))
      await setDisabled(db, 'tenant', 'acme', 'acme', null)
      await all(assertToken)
    })

    await t.test(
      'trust F15: a credential dies on its expiry, to the second, and the other lives on',
      async () => {
        const expiresAt = server.clock() + 90
        await setCredential(db, 'acme', clientId, 'second', { expires_at: expiresAt })
        await server.advance(89)
        assertToken(await ask(second))
        await server.advance(1)
        assertInvalidClient(await ask(second))
        assertToken(await ask(sync))
        await setCredential(db, 'acme', clientId, 'second', { expires_at: null })
        assertToken(await ask(second))
      },
    )

    await t.test('trust 42: a disabled credential, and one that was taken away', async () => {
      await setCredential(db, 'acme', clientId, 'second', { disabled_at: server.clock() })
      assertInvalidClient(await ask(second))
      await setCredential(db, 'acme', clientId, 'second', { disabled_at: null })
      assertToken(await ask(second))
      await db.write((tx) => removeCredential(tx, 'acme', clientId, 'second'))
      assertInvalidClient(await ask(second))
      assertToken(await ask(sync))
    })

    await t.test('trust 42: one secret under two credentials is good while one of them is', async () => {
      const hashed = server.store.hasher.hash('acme', clientId, 'the-secret-of-two-credentials')
      await db.write(async (tx) => {
        for (const id of ['a-first', 'z-last']) await saveCredential(tx, 'acme', clientId, { id, ...hashed })
      })
      for (const id of ['a-first', 'z-last']) {
        await setCredential(db, 'acme', clientId, id, { expires_at: server.clock() })
        assertToken(await ask([clientId, 'the-secret-of-two-credentials']))
        await setCredential(db, 'acme', clientId, id, { expires_at: null })
      }
      await setCredential(db, 'acme', clientId, 'a-first', { expires_at: server.clock() })
      await setCredential(db, 'acme', clientId, 'z-last', { disabled_at: server.clock() })
      assertInvalidClient(await ask([clientId, 'the-secret-of-two-credentials']))
    })

    await t.test('trust 42: a deleted app, and an app that comes back under its id', async () => {
      const { removeApp } = await import('../../src/store/apps.ts')
      await db.write((tx) => removeApp(tx, 'acme', clientId))
      await all(assertInvalidClient)
      await saveClient(server, 'acme', clientId, 'another-secret-for-the-old-name')
      assertInvalidClient(await ask(sync))
      const again = [clientId, 'another-secret-for-the-old-name'] as const
      // Until everybody has heard of the end it would get tokens that are dead already.
      assertUnavailable(await ask(again))
      await server.advance(6)
      assertToken(await ask(again))
    })

    await t.test('trust 76: an app without the grant is told so, once it has proven who it is', async () => {
      await db.write((tx) =>
        saveApp(tx, 'acme', {
          clientId: neighbour[0],
          id: 'still-here',
          organizationId: 'neighbour',
          name: 'Still here',
          settings: { grant_types: [], scopes: { rest: ['read'] } },
        }),
      )
      assertRefused(await ask(neighbour), 400, 'unauthorized_client')
      assertInvalidClient(await ask([neighbour[0], wrong]))
    })
  })
})
