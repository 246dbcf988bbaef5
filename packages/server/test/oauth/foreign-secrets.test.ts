// product.md decision 5: a secret that others have hashed works as it is, and becomes one of ours on its first use.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { planBlueprints } from '../../src/blueprint/plan.ts'
import { formatProblem } from '../../src/blueprint/problem.ts'
import { findClient } from '../../src/store/apps.ts'
import { upgradeSecret } from '../../src/store/secret-upgrade.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import {
  assertInvalidClient,
  assertThrottled,
  assertToken,
  assertUnavailable,
  freshAddress,
} from './answers.ts'
import { app, blueprint, generated, tenant } from './sample.ts'

const battery = 'correct horse battery staple'
const scryptHash = '$scrypt$ln=10,r=8,p=2$MDEyMzQ1Njc4OWFiY2RlZg$KhW5KLACpfR1HRqSPdg8ODHC9nzhpv0EHEqfwm5GJX4'

/** App id to its hash and its secret. */
const hashes: Readonly<Record<string, readonly [string, string]>> = {
  sha256: ['sha256:xLvLH77JnWW_WdhcjLYu4tuWPw_hBvSD2a-nO9Tjmoo', battery],
  salted: ['$sha256$c2FsdHNhbHQ$aZ4N5oselDwyADki43QLITxClFbGqE5bl4xrqQmWRH4', battery],
  bcrypt: ['$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  pbkdf2: ['pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=', battery],
  scrypt: [scryptHash, battery],
  argon2: [
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    'password',
  ],
}

const imported = (id: string, hash: string, more: readonly object[] = []) =>
  app(id, { client_id: `the-${id}`, credentials: [{ id: 'old', secret: { hash } }, ...more] })

const textOf = () =>
  blueprint(
    tenant('acme', [...Object.entries(hashes).map(([id, [hash]]) => imported(id, hash)), app('ours')]),
  )

const credentialOf = async ({ db }: TestServer, clientId: string, id = 'old') => {
  const client = await findClient(db, 'acme', clientId)
  const found = client?.credentials.find((credential) => credential.id === id)
  assert.ok(found)
  return found
}

/** The answer does not wait for the write. */
async function untilUpgraded(server: TestServer, clientId: string): Promise<void> {
  const isLogged = () =>
    server.logLines.some((line) => line.msg === 'secret upgraded' && line.client_id === clientId)
  while (!isLogged()) await turn()
}

async function planLines(server: TestServer, text: string): Promise<string[]> {
  const parsed = parseBlueprints([{ name: 'again.yaml', text }])
  assert.ok(parsed.blueprints)
  const readTextFile = () => Promise.reject(new Error('no files'))
  const { hasher, db } = server.store
  const { plan } = await planBlueprints(db, parsed.blueprints, { hasher, environment: {}, readTextFile })
  return (plan?.steps ?? []).flatMap((step) => (step.sign === '~' ? step.notes : [step.sign]))
}

const refusalsOf = (text: string) =>
  (parseBlueprints([{ name: 'a.yaml', text }]).problems ?? []).map(formatProblem)

const basic = (id: string, secret: string, clientAddress = freshAddress()) => ({
  basic: [`the-${id}`, secret] as const,
  clientAddress,
})

forEachStore((engine, suite) => {
  for (const [id, [hash, secret]] of Object.entries(hashes)) {
    test(`product decision 5: ${engine}: a secret kept as ${id} works, is upgraded once, and its blueprint stays true`, async (t) => {
      const server = await startTestServer(t, suite, textOf())
      const before = await credentialOf(server, `the-${id}`)
      assert.notEqual(before.format, 'hmac-sha256')
      assertInvalidClient(await server.token('acme', basic(id, `${secret}?`)))
      assert.deepEqual(await credentialOf(server, `the-${id}`), before)

      assertToken(await server.token('acme', basic(id, secret)))
      await untilUpgraded(server, `the-${id}`)
      const after = await credentialOf(server, `the-${id}`)
      assert.deepEqual(
        { ...after, verifier: Buffer.from(after.verifier) },
        {
          ...before,
          format: 'hmac-sha256',
          verifier: server.store.hasher.hash('acme', `the-${id}`, secret).verifier,
          pepperVersion: 1,
        },
      )
      assertToken(await server.token('acme', basic(id, secret)))
      assertInvalidClient(await server.token('acme', basic(id, `${secret}?`)))
      assert.equal(server.logLines.filter(({ msg }) => msg === 'secret upgraded').length, 1)

      assert.deepEqual(await planLines(server, textOf()), [])
      await server.apply(textOf())
      assert.deepEqual(await credentialOf(server, `the-${id}`), after)
      // What the database remembers of the hash is of no use without the pepper.
      const row = await server.db.kysely
        .selectFrom('credentials')
        .select(['verifier', 'origin'])
        .where('client_id', '=', `the-${id}`)
        .executeTakeFirstOrThrow()
      assert.equal(row.origin?.length, 32)
      assert.ok(!JSON.stringify(server.logLines).includes(hash.slice(-20)))

      const other = textOf().replace(JSON.stringify(hash), JSON.stringify(`sha256:${'A'.repeat(43)}`))
      assert.deepEqual(await planLines(server, other), ['secret replaced'])
      await server.apply(other)
      assertInvalidClient(await server.token('acme', basic(id, secret)))
    })
  }

  test(`product decision 5: ${engine}: an upgrade changes nothing but the hash that was proven`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    const to = {
      ...server.store.hasher.hash('acme', 'the-scrypt', battery),
      origin: Buffer.alloc(32),
    }
    const credential = await credentialOf(server, 'the-scrypt')
    const upgrade = (from: { format: string; verifier: Uint8Array }) =>
      server.db.write((tx) =>
        upgradeSecret(tx, {
          ...{ tenantId: 'acme', clientId: 'the-scrypt', credentialId: 'old' },
          ...{ from, to },
        }),
      )
    assert.equal(await upgrade({ ...credential, verifier: Buffer.from('another') }), false)
    assert.equal(await upgrade({ ...credential, format: 'argon2' }), false)
    assert.deepEqual(await credentialOf(server, 'the-scrypt'), credential)
    assert.equal(await upgrade(credential), true)
    assert.equal(await upgrade(credential), false)
  })

  test(`settled: ${engine}: twenty clients that begin at once with an imported secret are one attempt, and all served`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    const clientAddress = freshAddress()
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => server.token('acme', basic('scrypt', battery, clientAddress))),
    )
    for (const reply of replies) assertToken(reply)
    await untilUpgraded(server, 'the-scrypt')
    assert.equal(server.logLines.filter(({ msg }) => msg === 'secret upgraded').length, 1)
  })

  test(`trust 9: ${engine}: of 200 guesses at a slow hash ten are evaluated, though they look like generated secrets`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    const clientAddress = freshAddress()
    const guess = (index: number) => `sp_test_${String(index).padStart(49, '0')}`
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        server.token('acme', basic('scrypt', guess(index), clientAddress)),
      ),
    )
    const refused = replies.filter(({ status }) => status === 401)
    const throttled = replies.filter(({ status }) => status === 429)
    assert.deepEqual([refused.length, throttled.length], [10, 190])
    for (const reply of refused) assertInvalidClient(reply)
    for (const reply of throttled) assertThrottled(reply)
    // Another network is another count.
    assertToken(await server.token('acme', basic('scrypt', battery)))
  })

  test(`issue 4.5: ${engine}: a crowd of guesses at a slow hash is told to come again, and holds up nobody else`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    const ours = server.credential('acme', 'ours')
    // Read before, so that all arrive at the turnstile together.
    assertInvalidClient(await server.token('acme', basic('scrypt', 'first guess')))
    const crowd = Array.from({ length: 30 }, (_, index) =>
      server.token('acme', basic('scrypt', `no ${index}`)),
    )
    assertToken(await server.token('acme', { basic: ours }))
    const replies = await Promise.all(crowd)
    const busy = replies.filter(({ status }) => status === 503)
    assert.equal(busy.length, 20)
    for (const reply of busy) assertUnavailable(reply)
    for (const reply of replies.filter((one) => !busy.includes(one))) assertInvalidClient(reply)
    assertToken(await server.token('acme', basic('scrypt', battery)))
  })

  test(`trust F9: ${engine}: a guess that is told to come again has been counted`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    assertInvalidClient(await server.token('acme', basic('scrypt', 'first guess')))
    // From ten networks, so that only the crowd is in the way.
    const crowd = Array.from({ length: 10 }, (_, index) =>
      server.token('acme', basic('scrypt', `no ${index}`)),
    )
    const clientAddress = freshAddress()
    const late = Array.from({ length: 10 }, (_, index) =>
      server.token('acme', basic('scrypt', `late ${index}`, clientAddress)),
    )
    for (const reply of await Promise.all(late)) assertUnavailable(reply)
    await Promise.all(crowd)
    assertThrottled(await server.token('acme', basic('scrypt', battery, clientAddress)))
    assertToken(await server.token('acme', basic('scrypt', battery)))
  })

  test(`settled: ${engine}: a slow hash that this process has not read yet is tried before a refusal`, async (t) => {
    const server = await startTestServer(t, suite, textOf())
    assertInvalidClient(await server.token('acme', basic('sha256', 'password')))
    const [argon2] = hashes.argon2 ?? []
    // Written beside the change feed, so that the cache is as stale as it can be.
    await server.db.write(async (tx) => {
      const quiet = { ...tx, append: () => {} }
      const { saveCredential } = await import('../../src/store/credentials.ts')
      await saveCredential(quiet, 'acme', 'the-sha256', {
        ...{ id: 'new', format: 'argon2', verifier: Buffer.from(argon2 ?? ''), pepperVersion: null },
      })
    })
    assertToken(await server.token('acme', basic('sha256', 'password')))
  })
})

test('product decision 5: a hash that cannot stand is refused at its line, and shown to nobody', () => {
  const of = (...hashTexts: string[]) =>
    JSON.stringify(
      JSON.parse(
        blueprint(
          tenant('acme', [
            app('old', {
              credentials: hashTexts.map((hash, index) => ({ id: `c${index}`, secret: { hash } })),
            }),
          ]),
        ),
      ),
      null,
      1,
    )
  const [line, ...others] = refusalsOf(of(scryptHash, scryptHash.replace('ln=10', 'ln=17')))
  assert.deepEqual(others, [])
  assert.match(
    line ?? '',
    /^a\.yaml:\d+:\d+ .*credentials\[1\]\.secret\.hash: found scrypt over 128 MiB of memory, expected at most 64 MiB$/,
  )
  const unknown = refusalsOf(of('a-clear-secret-in-the-wrong-place'))
  assert.equal(unknown.length, 1)
  assert.ok(!unknown.join().includes('clear-secret'))
  assert.match(
    refusalsOf(of(scryptHash, scryptHash, scryptHash, scryptHash)).join(),
    /credentials\[3\]: found 4 secrets as slow hashes, expected at most 3 in one app/,
  )
  assert.deepEqual(refusalsOf(of(scryptHash, scryptHash, scryptHash)), [])
})

test('product decision 5: generated credentials stand beside imported ones and are compared first', async (t) => {
  const { oneStore } = await import('../harness.ts')
  const text = blueprint(tenant('acme', [imported('both', scryptHash, generated)]))
  const server = await startTestServer(t, oneStore, text)
  const pair = server.credential('acme', 'both')
  assertToken(await server.token('acme', { basic: pair }))
  assert.equal((await credentialOf(server, 'the-both')).format, 'scrypt')
  assertToken(await server.token('acme', basic('both', battery)))
  await untilUpgraded(server, 'the-both')
})
