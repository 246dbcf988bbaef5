/** Secrets of blueprints in a real store: kept, replaced, refused, and never shown. On both engines. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { standingOf } from '../../src/apps/secrets.ts'
import { listAuditRecords } from '../../src/store/audit-records.ts'
import { disableCredential } from '../../src/store/credential-terms.ts'
import { listCredentials } from '../../src/store/credentials.ts'
import { exposeCredential } from '../../src/store/exposure.ts'
import { forEachStore } from '../store/each-store.ts'
import { applied, changed, createBench, planOf, planRefusals, sample, syncClient } from './sample.ts'

const nothing = ['Nothing to do: the store is as the blueprints say.']

forEachStore((engine, store) => {
  test(`${engine}: the generated secret is the one that the store verifies, in the form of its environment`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const [secret] = (await applied(bench, [sample])).generated
    assert.ok(secret)
    assert.match(secret.clientSecret, /^sp_test_[0-9A-Za-z]{49}$/)
    const client = await syncClient(db)
    assert.equal(client.clientId, secret.clientId)
    const { verifier } = bench.hasher.hash('shop', secret.clientId, secret.clientSecret)
    assert.deepEqual(Buffer.from(client.credentials[0]?.verifier ?? []), Buffer.from(verifier))
  })

  test(`${engine}: secrets from the environment and from a file are kept as HMACs, and a new one is a ~ line`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const path = resolve('folder/secrets/second')
    const text = changed(
      'secret: generated',
      'secret: {from_env: SYNC_SECRET}\n              - id: second\n                secret: {from_file: secrets/second}',
    )
    bench.environment = { SYNC_SECRET: 'imported+secret/1' }
    bench.files = { [path]: 'imported secret two\n' }
    const first = await applied(bench, [text])
    assert.deepEqual(first.generated, [])
    assert.deepEqual((await applied(bench, [text])).lines, nothing)
    const [main, second] = (await syncClient(db)).credentials
    const verifierOf = (secret: string, clientId: string) =>
      bench.hasher.hash('shop', clientId, secret).verifier
    const { clientId } = await syncClient(db)
    assert.deepEqual(
      Buffer.from(main?.verifier ?? []),
      Buffer.from(verifierOf('imported+secret/1', clientId)),
    )
    assert.deepEqual(
      Buffer.from(second?.verifier ?? []),
      Buffer.from(verifierOf('imported secret two', clientId)),
    )
    await db.write((tx) =>
      exposeCredential(tx, {
        ...{ tenantId: 'shop', clientId },
        ...{ credentialId: 'main', by: 'plain_http', isQuarantined: false },
      }),
    )
    bench.environment = { SYNC_SECRET: 'another+secret/22' }
    assert.deepEqual((await applied(bench, [text])).lines, [
      '~ credential shop/acme/sync/main (secret replaced)',
    ])
    const [replaced] = (await syncClient(db)).credentials
    assert.equal(replaced?.exposedAt, null, "the exposure was the old secret's")
  })

  test(`${engine}: issue 4.5: after a leak the secret that a blueprint puts in its place is good, and has a past of its own`, async (t) => {
    const { db, clock } = await store.open(t)
    const bench = await createBench(db)
    const text = changed('secret: generated', 'secret: {from_env: SECRET}')
    bench.environment.SECRET = 'an-old-secret-that-leaked-with-enough-length'
    await applied(bench, [text])
    const { clientId } = await syncClient(db)
    const place = { tenantId: 'shop', clientId, credentialId: 'main' }
    await db.write((tx) => exposeCredential(tx, { ...place, by: 'leak_report', isQuarantined: true }))
    const standing = async () => {
      const [main] = await listCredentials(db, 'shop', clientId)
      return main && standingOf(main, clock())
    }
    assert.equal(await standing(), 'quarantined')
    bench.environment.SECRET = 'a-new-secret-that-nobody-else-has-ever-seen'
    const line = '~ credential shop/acme/sync/main'
    assert.deepEqual((await applied(bench, [text])).lines, [`${line} (secret replaced)`])
    assert.equal(await standing(), 'good')
    const [recorded] = await listAuditRecords(db, { limit: 1, newestFirst: true })
    assert.equal(JSON.parse(recorded?.after ?? '').disabled, false)

    // Whoever switched off the credential meant it whatever it proves with, also where it was seen after that.
    await db.write((tx) => disableCredential(tx, 'shop', clientId, 'main', true))
    clock.advance(1)
    await db.write((tx) => exposeCredential(tx, { ...place, by: 'leak_report', isQuarantined: true }))
    bench.environment.SECRET = 'a-third-secret-of-a-credential-that-is-off'
    assert.deepEqual((await applied(bench, [text])).lines, [`${line} (secret replaced, stays disabled)`])
    assert.equal(await standing(), 'disabled')

    // So too where it had only been noted before.
    await db.write((tx) => disableCredential(tx, 'shop', clientId, 'main', false))
    await db.write((tx) => exposeCredential(tx, { ...place, by: 'query_string', isQuarantined: false }))
    clock.advance(1)
    await db.write((tx) => disableCredential(tx, 'shop', clientId, 'main', true))
    bench.environment.SECRET = 'a-fourth-secret-of-a-credential-that-is-off'
    assert.deepEqual((await applied(bench, [text])).lines, [`${line} (secret replaced, stays disabled)`])
  })

  test(`${engine}: a missing, short or unreadable secret is refused without showing anything of it`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const sources = ['{from_env: MISSING}', '{from_env: SHORT}', '{from_env: ODD}', '{from_file: nowhere}']
    bench.environment = { SHORT: 'canary', ODD: 'canary-with-umlaut-ü' }
    const credentials = sources.map((source, index) => `- id: c${index}\n                secret: ${source}`)
    const text = changed(
      '- id: main\n                secret: generated',
      credentials.join('\n              '),
    )
    const place = 'tenants[0].organizations[0].apps[0].credentials'
    const expected = 'expected 16 to 256 printable ASCII characters'
    assert.deepEqual(await planRefusals(bench, [text]), [
      `folder/a.yaml:27:26 ${place}[0].secret.from_env: found an environment variable that is not set, ${expected}`,
      `folder/a.yaml:29:26 ${place}[1].secret.from_env: found a secret of another length or with other characters, ${expected}`,
      `folder/a.yaml:31:26 ${place}[2].secret.from_env: found a secret of another length or with other characters, ${expected}`,
      `folder/a.yaml:33:26 ${place}[3].secret.from_file: found a file that cannot be read, ${expected}`,
    ])
  })

  test(`${engine}: an imported hash is stored as it is, and only another hash replaces it`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const digest = (secret: string) => createHash('sha256').update(secret).digest()
    const withHash = (secret: string) =>
      changed('secret: generated', `secret: {hash: "sha256:${digest(secret).toString('base64url')}"}`)
    await applied(bench, [withHash('imported secret one')])
    const [credential] = (await syncClient(db)).credentials
    assert.equal(credential?.format, 'sha256')
    assert.deepEqual(Buffer.from(credential?.verifier ?? []), digest('imported secret one'))
    assert.deepEqual((await applied(bench, [withHash('imported secret one')])).lines, nothing)
    assert.deepEqual((await applied(bench, [withHash('imported secret two')])).lines, [
      '~ credential shop/acme/sync/main (secret replaced)',
    ])
  })

  test(`${engine}: an expiry can be added without a new secret`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const before = (await syncClient(db)).credentials[0]
    const expiring = changed('secret: generated', 'secret: generated\n                expires_at: 2027-06-30')
    assert.deepEqual(await applied(bench, [expiring]), {
      lines: ['~ credential shop/acme/sync/main (expires_at: not set → "2027-06-30")'],
      generated: [],
    })
    const after = (await syncClient(db)).credentials[0]
    assert.equal(after?.expiresAt, Date.UTC(2027, 5, 30) / 1000)
    assert.deepEqual(after?.verifier, before?.verifier)
  })

  test(`${engine}: trust 27: a plan shows no secret in any form it can be printed in`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    bench.environment = { SYNC_SECRET: 'canary-secret-0123456789' }
    const plan = await planOf(bench, [changed('secret: generated', 'secret: {from_env: SYNC_SECRET}')])
    const { inspect } = await import('node:util')
    assert.doesNotMatch(inspect(plan.steps, { depth: null, showHidden: true }), /canary/)
    assert.doesNotMatch(JSON.stringify(plan.steps), /canary/)
  })
})
