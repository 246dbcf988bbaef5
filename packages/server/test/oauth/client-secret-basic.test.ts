// trust.md part 2 B: what an id and a secret in a Basic header are, and which headers prove nobody.
import { type TestContext, test } from 'node:test'
import { basic, forEachStore, type StoreSuite, startTestServer } from '../harness.ts'
import { ask, assertError, assertInvalidClient, assertToken, grant } from './answers.ts'
import { saveClient } from './rows.ts'
import { app, blueprint, tenant } from './sample.ts'

/** RFC 6749 App. B, as a careful client encodes. */
const encoded = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)

const start = (t: TestContext, suite: StoreSuite) =>
  startTestServer(t, suite, blueprint(tenant('acme', [app('sync')])))

forEachStore((_engine, suite) => {
  test('trust 28: an id and a secret of every character work, form-encoded in a Basic header', async (t) => {
    const server = await start(t, suite)
    const odd = ['we:i%r+d ü', 's:e%c+r e/t=&ü?'] as const
    await saveClient(server, 'acme', ...odd)
    assertToken(await ask(server, { basic: [encoded(odd[0]), encoded(odd[1])] }))
    assertToken(
      await ask(server, {
        basic: [encoded(odd[0]).replaceAll('+', '%20'), encoded(odd[1]).replaceAll('+', '%20')],
      }),
    )
    assertToken(await ask(server, { body: { ...grant, client_id: odd[0], client_secret: odd[1] } }))
    assertInvalidClient(await ask(server, { basic: [encoded(odd[0]), `${encoded(odd[1])}x`] }))
  })

  test('000-06, 002-08, 004-08: a secret with % and + works raw and encoded', async (t) => {
    const server = await start(t, suite)
    const secret = 'a%41b+c%2Fd/e==f%'
    await saveClient(server, 'acme', 'imported', secret)
    assertToken(await ask(server, { basic: ['imported', secret] }))
    assertToken(await ask(server, { basic: ['imported', encoded(secret)] }))
    assertInvalidClient(await ask(server, { basic: ['imported', secret.replace('%41', 'A')] }))
  })

  test('settled: a Basic header whose two readings name two clients is nobody', async (t) => {
    const server = await start(t, suite)
    await saveClient(server, 'acme', 'twin%41', 'the-same-secret-of-both')
    await saveClient(server, 'acme', 'twinA', 'the-same-secret-of-both')
    assertInvalidClient(await ask(server, { basic: ['twin%41', 'the-same-secret-of-both'] }))
    assertToken(await ask(server, { basic: ['twinA', 'the-same-secret-of-both'] }))
    assertToken(await ask(server, { basic: ['twin%2541', 'the-same-secret-of-both'] }))
  })

  test('trust 30-32, 40, F28: a header that is not exactly one Basic credential is a failed one', async (t) => {
    const server = await start(t, suite)
    const [clientId, clientSecret] = server.credential('acme', 'sync')
    const good = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    for (const header of [
      ...['Basic', 'Basic ', 'Basic !!!!', 'Basic YQ', `Basic ${good}=`, `Basic ${good} `, ` Basic ${good}`],
      ...[
        `Basic\t${good}`,
        `Basic  ${good}`,
        `Basic ${good},`,
        `Basic ${good}, Basic ${good}`,
        `Basic=${good}`,
      ],
      ...[`Basic "${good}"`, `Basic ${good}\t`, `Basic:${good}`, `Basi ${good}`, `BasicX ${good}`, good, ''],
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
      assertInvalidClient(await ask(server, { authorization: [header] }))
      // Credentials in the body do not mend it: that would be a second method.
      const both = await ask(server, {
        authorization: [header],
        body: { ...grant, client_id: clientId, client_secret: clientSecret },
      })
      assertError(both, 'invalid_request')
    }
  })

  test('trust F28: two Authorization headers are refused, also when they are equal', async (t) => {
    const server = await start(t, suite)
    const sync = server.credential('acme', 'sync')
    const header = basic(...sync)
    for (const second of [header, 'Bearer x', '', basic('other', 'wrong')]) {
      assertInvalidClient(await ask(server, { authorization: [header, second] }))
      assertInvalidClient(await ask(server, { authorization: [second, header] }))
    }
  })

  test('trust 38: the scheme has no case', async (t) => {
    const server = await start(t, suite)
    const sync = server.credential('acme', 'sync')
    for (const scheme of ['basic', 'BASIC', 'bAsIc']) {
      assertToken(await ask(server, { authorization: [basic(...sync).replace('Basic', scheme)] }))
    }
  })
})
