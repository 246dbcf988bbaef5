/** Every kind of credential against a real store: what is kept, what is replaced, what is sealed, and what is never shown. */

import assert from 'node:assert/strict'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { applyPlan } from '../../src/blueprint/apply.ts'
import { formatWarning } from '../../src/blueprint/problem.ts'
import { openSecret } from '../../src/keys/sealed-secret.ts'
import { listCredentials, touchLastUsed } from '../../src/store/credentials.ts'
import type { Database } from '../../src/store/database.ts'
import { exposeCredential } from '../../src/store/exposure.ts'
import { loadTenant } from '../../src/store/tenants.ts'
import { forEachStore } from '../store/each-store.ts'
import { keyPair, selfSigned, shortened, withProofs } from './proofs.ts'
import { applied, type Bench, changed, createBench, planOf, planRefusals, syncClient } from './sample.ts'

const nothing = ['Nothing to do: the store is as the blueprints say.']
const authority = selfSigned('Test CA')
const otherAuthority = selfSigned('Other CA')
const withAuthorities = (...sources: readonly unknown[]) =>
  changed('token_reuse: false', `certificate_authorities: ${JSON.stringify(sources)}`)

const storedTexts = async (db: Database) =>
  (await syncClient(db)).credentials.map(({ id, format, verifier, pepperVersion, sealedSecret }) => {
    assert.deepEqual([pepperVersion, sealedSecret], [null, null])
    return [id, format, Buffer.from(verifier).toString()]
  })

const refused = async (bench: Bench, text: string) => (await planRefusals(bench, [text])).map(shortened)

const exposedAt = async (db: Database) => (await syncClient(db)).credentials.map((each) => each.exposedAt)

forEachStore((engine, store) => {
  test(`${engine}: keys, key sets, names, thumbprints and rules are kept as what proves them, and applied once`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const [inline, filed, json] = [keyPair(), keyPair('P-384'), keyPair()]
    bench.files = {
      [resolve('folder/key.pem')]: filed.pem,
      [resolve('folder/key.json')]: JSON.stringify({ ...json.jwk, use: 'sig', alg: 'ES256' }),
      [resolve('folder/app.pem')]: authority.certificate,
    }
    const rule = {
      issuer: 'https://a.example',
      subject: 'repo:a/b:*',
      claims: { ref: 'main', actor: ['a', 'b'] },
    }
    const text = withProofs(
      ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'federation'],
      [
        { public_key: { y: inline.jwk.y, x: inline.jwk.x, kid: 'one', crv: 'P-256', kty: 'EC' } },
        { public_key: { from_file: 'key.pem' }, expires_at: '2027-06-30' },
        { public_key: { from_file: 'key.json' } },
        { jwks_uri: 'https://app.example/jwks' },
        { certificate: { subject_dn: 'CN=app,O=Example' } },
        { certificate: { from_file: 'app.pem' } },
        { federation: rule },
      ],
      withAuthorities(authority.certificate),
    )
    const first = await applied(bench, [text])
    assert.deepEqual(first.generated, [])
    assert.deepEqual(
      first.lines.filter((line) => line.startsWith('+ credential')),
      [
        'public key',
        'public key',
        'public key',
        'key set',
        'certificate',
        'certificate',
        'federation rule',
      ].map((kind, index) => `+ credential shop/acme/sync/c${index} (${kind})`),
    )
    const thumbprint = createHash('sha256').update(new X509Certificate(authority.certificate).raw)
    const { x, y } = inline.jwk
    assert.deepEqual(await storedTexts(db), [
      ['c0', 'jwk', JSON.stringify({ kty: 'EC', crv: 'P-256', x, y, kid: 'one' })],
      ['c1', 'jwk', JSON.stringify({ kty: 'EC', crv: 'P-384', x: filed.jwk.x, y: filed.jwk.y })],
      ['c2', 'jwk', JSON.stringify({ kty: 'EC', crv: 'P-256', x: json.jwk.x, y: json.jwk.y, alg: 'ES256' })],
      ['c3', 'jwks_uri', 'https://app.example/jwks'],
      ['c4', 'certificate', '{"subject_dn":"CN=app,O=Example"}'],
      ['c5', 'certificate', JSON.stringify({ sha256: thumbprint.digest('base64url') })],
      [
        'c6',
        'federation',
        '{"issuer":"https://a.example","subject":"repo:a/b:*","claims":{"actor":["a","b"],"ref":"main"}}',
      ],
    ])
    assert.deepEqual((await applied(bench, [text])).lines, nothing)
    const reordered = changed('"ref":"main","actor":["a","b"]', '"actor":["a","b"],"ref":"main"', text)
    assert.deepEqual((await applied(bench, [reordered])).lines, nothing)
  })

  test(`${engine}: another proof under an old id replaces the credential: its use and exposure were the old one's`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const methods = ['private_key_jwt', 'federation']
    const [old, fresh] = [keyPair(), keyPair()]
    const text = (jwk: object, uri: string, subject: string) =>
      withProofs(methods, [
        { public_key: jwk },
        { jwks_uri: uri },
        { federation: { issuer: 'https://a.example', subject } },
      ])
    await applied(bench, [text(old.jwk, 'https://a.example/1', 'one')])
    const { clientId } = await syncClient(db)
    await db.write(async (tx) => {
      for (const credentialId of ['c0', 'c1', 'c2']) {
        await exposeCredential(tx, {
          ...{ tenantId: 'shop', clientId },
          ...{ credentialId, by: 'plain_http', isQuarantined: false },
        })
        await touchLastUsed(tx, [{ tenantId: 'shop', clientId, credentialId, lastUsedAt: tx.now }])
      }
    })
    const { lines } = await applied(bench, [text(fresh.jwk, 'https://a.example/2', 'two')])
    assert.deepEqual(lines, [
      '~ credential shop/acme/sync/c0 (public key replaced)',
      '~ credential shop/acme/sync/c1 (key set replaced)',
      '~ credential shop/acme/sync/c2 (federation rule replaced, federation.subject: "one" → "two")',
    ])
    assert.deepEqual(await exposedAt(db), [null, null, null])
    const used = (await listCredentials(db, 'shop', clientId)).map(({ lastUsedAt }) => lastUsedAt)
    assert.deepEqual(used, [null, null, null])
    assert.match((await storedTexts(db))[0]?.[2] ?? '', new RegExp(`"x":"${fresh.jwk.x}"`))
  })

  test(`${engine}: one kind becomes another under the same id, a new expiry keeps the key, and pruning says the kind`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const { jwk } = keyPair()
    await applied(bench, [withProofs(['private_key_jwt'], [{ public_key: jwk }])])
    const { clientId } = await syncClient(db)
    await db.write((tx) =>
      exposeCredential(tx, {
        ...{ tenantId: 'shop', clientId },
        ...{ credentialId: 'c0', by: 'plain_http', isQuarantined: false },
      }),
    )
    const dated = withProofs(['private_key_jwt'], [{ public_key: jwk, expires_at: '2027-06-30' }])
    assert.deepEqual((await applied(bench, [dated])).lines, [
      '~ credential shop/acme/sync/c0 (expires_at: not set → "2027-06-30")',
    ])
    assert.notDeepEqual(await exposedAt(db), [null])
    const secret = await applied(bench, [withProofs(['client_secret_basic'], [{ secret: 'generated' }])])
    assert.deepEqual(secret.lines, [
      '~ app shop/acme/sync (client_authentication: ["private_key_jwt"] → ["client_secret_basic"])',
      '~ credential shop/acme/sync/c0 (public key replaced by a generated secret, expires_at: "2027-06-30" → not set)',
    ])
    assert.equal(secret.generated.length, 1)
    const back = withProofs(['private_key_jwt'], [{ public_key: jwk }])
    assert.match((await applied(bench, [back])).lines[1] ?? '', /\(secret replaced by a public key\)$/)
    const other = withProofs(['private_key_jwt'], [{ id: 'other', public_key: keyPair().jwk }])
    assert.deepEqual((await applied(bench, [other], true)).lines, [
      '+ credential shop/acme/sync/other (public key)',
      '- credential shop/acme/sync/c0 (public key)',
    ])
  })

  test(`${engine}: the authorities of a tenant are kept as PEM, from the text and from files, however they are broken into lines`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    bench.files = {
      [resolve('folder/ca.pem')]: `subject=Other\n${otherAuthority.certificate}\n${authority.certificate}`,
    }
    await applied(bench, [withAuthorities({ from_file: 'ca.pem' })])
    const settings = async () => (await loadTenant(db, 'shop'))?.settings
    const wanted = { certificate_authorities: [otherAuthority.certificate, authority.certificate] }
    assert.deepEqual(await settings(), wanted)
    const inline = withAuthorities(otherAuthority.certificate, authority.certificate.replaceAll('\n', '\r\n'))
    assert.deepEqual((await applied(bench, [inline])).lines, nothing)
    assert.match(
      (await applied(bench, [withAuthorities(authority.certificate)])).lines.join('\n'),
      /^~ tenant shop \(certificate_authorities: \["[0-9a-f]{38}… → \["[0-9a-f]{38}…\)$/,
    )
  })

  test(`${engine}: a secret for client_secret_jwt is sealed to its own row, and forgotten when the method goes`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    bench.environment = { SYNC_SECRET: 'imported-secret-of-32-characters' }
    const credentials = [{ secret: 'generated' }, { secret: { from_env: 'SYNC_SECRET' } }]
    const basicOnly = withProofs(['client_secret_basic'], credentials)
    const both = withProofs(['client_secret_basic', 'client_secret_jwt'], credentials)
    const [made] = (await applied(bench, [both])).generated
    assert.ok(made)
    const { clientId, credentials: stored } = await syncClient(db)
    const place = (credentialId: string, tenantId = 'shop') => ({ tenantId, clientId, credentialId })
    const [first, second] = stored.map(({ sealedSecret }) => sealedSecret ?? Buffer.alloc(0))
    assert.ok(first && second)
    assert.equal(openSecret(bench.sealer, place('c0'), first), made.clientSecret)
    assert.equal(openSecret(bench.sealer, place('c1'), second), 'imported-secret-of-32-characters')
    for (const wrong of [place('c1'), place('c0', 'other'), { ...place('c0'), clientId: 'other' }]) {
      assert.throws(() => openSecret(bench.sealer, wrong, first), { name: 'SealBroken' })
    }
    assert.deepEqual((await applied(bench, [both])).lines, nothing)
    await db.write((tx) =>
      exposeCredential(tx, {
        ...{ tenantId: 'shop', clientId },
        ...{ credentialId: 'c1', by: 'plain_http', isQuarantined: false },
      }),
    )

    assert.deepEqual((await applied(bench, [basicOnly])).lines.slice(1), [
      '~ credential shop/acme/sync/c0 (sealed secret forgotten)',
      '~ credential shop/acme/sync/c1 (sealed secret forgotten)',
    ])
    const kept = (await syncClient(db)).credentials
    assert.deepEqual(
      kept.map(({ sealedSecret, verifier }) => [sealedSecret, Buffer.from(verifier)]),
      stored.map(({ verifier }) => [null, Buffer.from(verifier)]),
    )
    assert.notEqual(kept[1]?.exposedAt, null, 'the secret is still the same')

    assert.deepEqual(await refused(bench, both), [
      '27 credentials[0].secret: found a secret generated before the app had client_secret_jwt, which cannot be read again, expected a new credential beside it, under an id of its own',
    ])
    const imported = withProofs(['client_secret_jwt'], [{ id: 'c1', secret: { from_env: 'SYNC_SECRET' } }])
    assert.deepEqual((await applied(bench, [imported], true)).lines.slice(1), [
      '~ credential shop/acme/sync/c1 (secret sealed for client_secret_jwt)',
      '- credential shop/acme/sync/c0 (secret)',
    ])
    const [sealed] = (await syncClient(db)).credentials
    assert.equal(
      openSecret(bench.sealer, place('c1'), sealed?.sealedSecret ?? Buffer.alloc(0)),
      bench.environment.SYNC_SECRET,
    )
  })

  test(`${engine}: a secret that is used as one only is never kept in a form that can be read again`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [withProofs(null, [{ secret: 'generated' }])])
    assert.deepEqual(
      (await syncClient(db)).credentials.map(({ sealedSecret }) => sealedSecret),
      [null],
    )
  })

  test(`${engine}: RFC 7518 §3.2: a secret that keys MACs is as long as their hash`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    bench.environment = { SHORT: 'canary-31-characters-and-a-bit.', LONG: 'x'.repeat(47) }
    const text = (algorithms: string, name: string) =>
      withProofs(
        ['client_secret_jwt'],
        [{ secret: { from_env: name } }],
        changed('token_reuse: false', `assertion_algorithms: ${algorithms}`),
      )
    const line = (shortest: number) =>
      `27 credentials[0].secret.from_env: found a secret of another length or with other characters, expected ${shortest} to 256 printable ASCII characters, as MACs need (RFC 7518 §3.2)`
    assert.deepEqual(await refused(bench, text('[ES256, HS256]', 'SHORT')), [line(32)])
    assert.deepEqual(await refused(bench, text('[HS384]', 'LONG')), [line(48)])
    assert.deepEqual(await refused(bench, text('[HS384, HS256]', 'LONG')), [])
    const generated = changed('{"from_env":"LONG"}', '"generated"', text('[HS512]', 'LONG'))
    assert.deepEqual(await refused(bench, generated), [
      '27 credentials[0].secret: found generated, which has 57 characters, expected 64 or more, as MACs need (RFC 7518 §3.2)',
    ])
  })

  test(`${engine}: two credentials of an app never share a key, a kid, a URL, a name or a rule`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const [one, two] = [keyPair(), keyPair()]
    bench.files = { [resolve('folder/one.pem')]: one.pem }
    const rule = { federation: { issuer: 'https://a.example', subject: 'x' } }
    const text = withProofs(
      ['private_key_jwt', 'tls_client_auth', 'federation'],
      [
        { public_key: { ...one.jwk, kid: 'k' } },
        { public_key: { from_file: 'one.pem' } },
        { public_key: { ...two.jwk, kid: 'k' } },
        { jwks_uri: 'https://a.example/jwks' },
        { jwks_uri: 'https://a.example/jwks' },
        { certificate: { subject_dn: 'CN=app,O=Example' } },
        { certificate: { subject_dn: 'cn=App, o=example' } },
        rule,
        rule,
      ],
      withAuthorities(authority.certificate),
    )
    assert.deepEqual(await refused(bench, text), [
      '28 credentials[1].public_key: found the public key of credentials[0], expected one of its own',
      '29 credentials[2].public_key: found the kid of credentials[0], expected one of its own',
      '31 credentials[4].jwks_uri: found the key set of credentials[3], expected one of its own',
      '33 credentials[6].certificate: found the certificate of credentials[5], expected one of its own',
      '35 credentials[8].federation: found the federation rule of credentials[7], expected one of its own',
    ])
  })

  test(`${engine}: trust 27: files with private keys, of other things or of nothing are refused and never shown`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const pair = keyPair()
    const files = {
      'private.pem': pair.privatePem,
      'private.json': JSON.stringify(pair.privateJwk),
      'two.pem': pair.pem + keyPair().pem,
      'text.pem': 'canary',
      'certificate.pem': authority.certificate,
      'both.pem': authority.certificate + authority.key,
    }
    bench.files = Object.fromEntries(
      Object.entries(files).map(([name, text]) => [resolve('folder', name), text]),
    )
    const keys = ['private.pem', 'private.json', 'two.pem', 'text.pem', 'certificate.pem', 'missing.pem']
    const certificates = ['both.pem', 'two.pem', 'missing.pem']
    const text = withProofs(
      ['private_key_jwt', 'self_signed_tls_client_auth'],
      [
        ...keys.map((from_file) => ({ public_key: { from_file } })),
        ...certificates.map((from_file) => ({ certificate: { from_file } })),
      ],
      withAuthorities({ from_file: 'both.pem' }, authority.key, 'nothing', { from_file: 'missing.pem' }),
    )
    const lines = await refused(bench, text)
    assert.deepEqual(
      lines.map((line) => line.replace(/, expected .*/s, '')),
      [
        '7 certificate_authorities[0]: found a private key, which may be nowhere but with its owner',
        '7 certificate_authorities[1]: found a private key, which may be nowhere but with its owner',
        '7 certificate_authorities[2]: found no certificate in PEM',
        '7 certificate_authorities[3]: found a file that cannot be read',
        '27 credentials[0].public_key: found a private key, which may be nowhere but with its owner',
        '28 credentials[1].public_key: found a private or symmetric key; only the public half may leave its owner',
        '29 credentials[2].public_key: found a file without one PUBLIC KEY block in PEM',
        '30 credentials[3].public_key: found a file that is neither JSON nor PEM',
        '31 credentials[4].public_key: found a file without one PUBLIC KEY block in PEM',
        '32 credentials[5].public_key: found a file that cannot be read',
        '33 credentials[6].certificate: found a private key, which may be nowhere but with its owner',
        '34 credentials[7].certificate: found a file without one CERTIFICATE block in PEM',
        '35 credentials[8].certificate: found a file that cannot be read',
      ],
    )
    assert.ok(lines.every((line) => !line.includes(pair.privateJwk.d ?? '') && !line.includes('canary')))
  })

  test(`${engine}: an authority that is no whole certificate is refused with its number`, async (t) => {
    const { db } = await store.open(t)
    const broken = '-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----'
    assert.deepEqual(await refused(await createBench(db), withAuthorities(authority.certificate, broken)), [
      '7 certificate_authorities: found a list that has a broken certificate at place 2, expected certificates of authorities, the one at the top included',
    ])
  })

  test(`${engine}: a rule that lets in too many is applied with a warning at its place`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const federation = {
      preset: 'github',
      issuer: 'https://token.actions.githubusercontent.com',
      subject: 'repo:*',
    }
    const plan = await planOf(bench, [withProofs(['federation'], [{ federation }])])
    assert.equal(plan.warnings.length > 0, true)
    for (const warning of plan.warnings) {
      assert.match(
        formatWarning(warning),
        /^folder\/a\.yaml:27:\d+ tenants\[0\]\.organizations\[0\]\.apps\[0\]\.credentials\[0\]\.federation: warning: \S/,
      )
    }
    await applyPlan(db, plan, { random: randomBytes, ...bench })
    assert.deepEqual(
      (await storedTexts(db)).map(([id, format]) => [id, format]),
      [['c0', 'federation']],
    )
  })
})
