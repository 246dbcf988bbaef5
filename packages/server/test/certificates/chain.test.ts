// Which certificates lead to an authority, and the many that only look as if they did.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { before, test } from 'node:test'
import {
  type Authorities,
  AuthoritiesRefused,
  compileAuthorities,
  leadsTo,
} from '../../src/certificates/chain.ts'
import { type Certificate, parseClientCertificate } from '../../src/certificates/client-certificate.ts'
import {
  clientAuth,
  cRLSign,
  daySeconds,
  der,
  digitalSignature,
  generateKeys,
  type Issued,
  type IssueOptions,
  issue,
  now,
  serverAuth,
  x509,
} from './issue.ts'

let root: Issued
let middle: Issued
let leaf: Issued
let trust: Authorities

before(async () => {
  root = await issue(null, { ca: true, name: 'CN=Root,O=Example' })
  middle = await issue(root, { ca: true, name: 'CN=Middle,O=Example' })
  leaf = await issue(middle)
  trust = compileAuthorities(root.pem)
})

const certificates = (extras: readonly Issued[]) => extras.map(({ certificate }) => certificate)

function assertGood(authorities: Authorities, issued: Issued, extras: readonly Issued[], depth: number) {
  const verdict = leadsTo(authorities, issued.certificate, certificates(extras), now)
  assert.equal(verdict.reason, null)
  assert.equal(verdict.path?.length, depth)
  assert.equal(verdict.path?.[0], issued.certificate)
}

function assertBad(
  authorities: Authorities,
  issued: Issued,
  extras: readonly Issued[],
  reason: RegExp,
  at = now,
) {
  // Twice, since what was good is remembered.
  for (let time = 0; time < 2; time++) {
    const verdict = leadsTo(authorities, issued.certificate, certificates(extras), at)
    assert.equal(verdict.path, null)
    assert.match(verdict.reason ?? '', reason)
  }
}

test('RFC 8705 §2.1: a certificate leads to its authority, straight or by what the client or the tenant adds', async () => {
  const straight = await issue(root)
  assertGood(trust, straight, [], 2)
  assertGood(trust, leaf, [middle], 3)
  assertGood(trust, leaf, [root, leaf, middle], 3)
  assertGood(compileAuthorities(middle.pem + root.pem), leaf, [], 3)
  assertGood(compileAuthorities(`text before\n${root.pem}# between\n${middle.pem}`), leaf, [], 3)
  // A listed authority in the middle is one, also alone; then its sisters are not trusted.
  assertGood(compileAuthorities(middle.pem), leaf, [], 2)
  assertBad(compileAuthorities(middle.pem), straight, [root], /no authority/)
})

test('trust 102-103: without the certificates between, or from nobody the tenant knows, there is no path', async () => {
  assertBad(trust, leaf, [], /no authority of the tenant/)
  const other = await issue(null, { ca: true, name: 'CN=Elsewhere' })
  assertBad(trust, await issue(other), [other], /no authority of the tenant/)
})

test('trust 103: the same names from another authority are not signed by ours', async () => {
  const twin = await issue(null, { ca: true, name: 'CN=Root,O=Example' })
  assertBad(trust, await issue(twin), [], /the client certificate is not signed/)
  assertBad(trust, await issue(twin), [twin], /the client certificate is not signed/)
  const twinMiddle = await issue(twin, { ca: true, name: 'CN=Middle,O=Example' })
  assertBad(
    trust,
    await issue(twinMiddle),
    [twinMiddle],
    /certificate 1 above the client certificate is not signed/,
  )
  // The client shows the real one beside its false leaf.
  assertBad(trust, await issue(twinMiddle), [middle], /the client certificate is not signed/)
  // The right path is found behind the wrong one.
  assertGood(trust, leaf, [twinMiddle, middle], 3)
})

test('trust 102-103: a self-signed certificate that names our authority as its issuer is signed by nobody', async () => {
  const poser: Issued = { ...(await issue(null)), name: root.name }
  assertBad(trust, await issue(poser), [], /is not signed/)
  const namesake = await issue(null, { name: 'CN=Root,O=Example' })
  assertBad(trust, namesake, [namesake], /is not signed/)
  assertBad(trust, await issue(null), [], /no authority of the tenant/)
})

test('trust 102-103: one changed byte under the signature, or in it, ends the path', async () => {
  const issued = await issue(root)
  const { contents, signature } = issued.certificate.signed
  for (const place of [
    issued.der.indexOf('app'),
    issued.der.length - 3,
    contents.length - signature.length,
  ]) {
    const bytes = Buffer.from(issued.der)
    bytes[place] = (bytes[place] ?? 0) ^ 1
    const certificate = parseClientCertificate(bytes)
    if (certificate) assertBad(trust, { ...issued, certificate }, [], /./)
  }
})

test('trust 102-103: a date counts for each certificate of the path, at the time that is handed in', async () => {
  const { notBeforeAt, notAfterAt } = leaf.certificate
  assert.ok(leadsTo(trust, leaf.certificate, [middle.certificate], notAfterAt).path)
  assert.ok(leadsTo(trust, leaf.certificate, [middle.certificate], notBeforeAt).path)
  assertBad(trust, leaf, [middle], /the client certificate has expired/, notAfterAt + 1)
  assertBad(trust, leaf, [middle], /the client certificate is not valid yet/, notBeforeAt - 1)
  const short = { ca: true, name: 'CN=Short', notAfterAt: now - 1 }
  const expired = await issue(root, short)
  assertBad(trust, await issue(expired), [expired], /certificate 1 above the client certificate has expired/)
  const oldRoot = await issue(null, short)
  assertBad(compileAuthorities(oldRoot.pem), await issue(oldRoot), [], /certificate 1 above .* has expired/)
})

const leafCases: readonly (readonly [string, IssueOptions, RegExp])[] = [
  ['a server certificate', { purposes: [serverAuth] }, /not for client authentication/],
  ['a certificate for any purpose', { purposes: ['2.5.29.37.0'] }, /not for client authentication/],
  ['an authority', { ca: true, name: 'CN=sub' }, /the certificate of an authority/],
  ['a key that may not sign', { keyUsage: x509.KeyUsageFlags.keyEncipherment }, /not for signatures/],
  [
    'an unknown critical extension',
    { extensions: [new x509.Extension('1.2.3.4', true, der(5))] },
    /not processed/,
  ],
  ['a small key', { algorithm: rsa(1024) }, /too weak/],
]
for (const [what, options, reason] of leafCases) {
  test(`RFC 5280 §4.2: ${what} is no client certificate`, async () => {
    assertBad(trust, await issue(root, options), [], reason)
  })
}

function rsa(modulusLength: number) {
  return {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  }
}

test('RFC 5280 §4.2.1.12: a certificate that does not say what it is for may be used', async () => {
  assertGood(trust, await issue(root, { purposes: null, keyUsage: null }), [], 2)
  assertGood(trust, await issue(root, { purposes: [serverAuth, clientAuth] }), [], 2)
  assertGood(trust, await issue(root, { extensions: [new x509.Extension('1.2.3.4', false, der(5))] }), [], 2)
})

const constraints = der(0x30, der(0xa0, der(0x30, der(0x82, 'example.com'))))
const issuerCases: readonly (readonly [string, IssueOptions, RegExp])[] = [
  ['a client certificate that signs others', { ca: false, name: 'CN=sub' }, /is no authority/],
  ['no right to sign certificates', { keyUsage: cRLSign | digitalSignature }, /may not sign/],
  ['the right for servers only', { purposes: [serverAuth] }, /not for client authentication/],
  [
    'critical name constraints',
    { extensions: [new x509.Extension('2.5.29.30', true, constraints)] },
    /2\.5\.29\.30/,
  ],
  [
    'other name constraints',
    { extensions: [new x509.Extension('2.5.29.30', false, constraints)] },
    /2\.5\.29\.30/,
  ],
  ['critical policies', { extensions: [new x509.Extension('2.5.29.36', true, der(0x30))] }, /2\.5\.29\.36/],
]
for (const [what, options, reason] of issuerCases) {
  test(`RFC 5280 §6.1: an authority with ${what} vouches for nobody`, async () => {
    const sub = await issue(root, { ca: true, name: 'CN=Sub', ...options })
    assertBad(trust, await issue(sub), [sub], reason)
    if (options.ca !== false) assert.throws(() => compileAuthorities(sub.pem), AuthoritiesRefused)
  })
}

test('RFC 5280 §4.2.1.9: a path length counts the authorities below, but not those an authority issues to itself', async () => {
  const short = await issue(null, { ca: true, name: 'CN=Short', pathLength: 0 })
  const below = await issue(short, { ca: true, name: 'CN=Below' })
  const trustShort = compileAuthorities(short.pem)
  assertGood(trustShort, await issue(short), [], 2)
  assertBad(trustShort, await issue(below), [below], /allows no path of this length/)
  const renewed = await issue(short, { ca: true, name: 'CN=Short' })
  assertGood(trustShort, await issue(renewed), [renewed], 3)
})

test('RFC 5280 §6.1: every algorithm that counts, and none that does not', async () => {
  const pss = { ...rsa(2048), name: 'RSA-PSS', saltLength: 32 }
  for (const algorithm of [
    { name: 'ECDSA', namedCurve: 'P-384' },
    { name: 'ECDSA', namedCurve: 'P-521' },
    { name: 'Ed25519' } as const,
    rsa(2048),
    pss,
  ]) {
    const keys = await generateKeys(algorithm)
    const authority = await issue(null, { ca: true, algorithm, keys })
    assertGood(compileAuthorities(authority.pem), await issue(authority, { algorithm, keys }), [], 2)
  }
  const weak = await issue(null, { ca: true, algorithm: rsa(1024) })
  assertBad(compileAuthorities(weak.pem), await issue(weak), [], /is not signed/)
  const old = await issue(null, { ca: true, algorithm: { ...rsa(2048), hash: 'SHA-1' }, hash: 'SHA-1' })
  const signedOld = await issue(old, { hash: 'SHA-1' })
  assert.ok(
    new X509Certificate(signedOld.der).verify(new X509Certificate(old.der).publicKey),
    'a good signature',
  )
  assertBad(compileAuthorities(old.pem), signedOld, [], /is not signed/)
})

test('R22: a path is at most eight long, and hostile extras cost little', async () => {
  const chain = [root]
  for (let depth = 0; depth < 8; depth++)
    chain.push(await issue(chain.at(-1) ?? root, { ca: true, name: `CN=Depth ${depth}` }))
  const long = await issue(chain.at(-1) ?? root)
  assertBad(trust, long, chain.slice(1), /no authority of the tenant/)
  const fitting = await issue(chain[6] ?? root)
  assertGood(trust, fitting, chain.slice(1, 7), 8)
  assertBad(trust, await issue(chain[7] ?? root), chain.slice(1, 8), /no authority of the tenant/)
  assertBad(trust, fitting, [...chain, ...chain], /more than 8/)
  // Eight authorities of one name, each of which can have issued each: more paths than could ever be walked.
  const same = await Promise.all(
    Array.from({ length: 8 }, () => issue(null, { ca: true, name: 'CN=Root,O=Example' })),
  )
  const [first = root] = same
  assertBad(trust, await issue(first), same, /is not signed/)
  let looks = 0
  const counted = same.map(({ certificate }) =>
    Object.defineProperty(Object.create(certificate) as Certificate, 'issuer', {
      get: () => {
        looks++
        return certificate.issuer
      },
    }),
  )
  const apart = compileAuthorities((await issue(null, { ca: true, name: 'CN=Far' })).pem)
  assert.equal(leadsTo(apart, (await issue(first)).certificate, counted, now).path, null)
  assert.ok(looks > 8 && looks < 1000, String(looks))
})

test('RFC 5280 §6.1: an authority that was renewed with its key is found by the one that is valid', async () => {
  const name = 'CN=Renewed'
  const old = await issue(null, { ca: true, name, notAfterAt: now - daySeconds / 2 })
  const young = await issue(null, { ca: true, name, keys: old.keys })
  assertGood(compileAuthorities(old.pem + young.pem), await issue(young), [], 2)
  assertGood(compileAuthorities(young.pem + young.pem), await issue(old), [], 2)
})

test('trust 30: a list of authorities that cannot be used is refused whole, with the reason', () => {
  const broken = root.pem.replace(/\n.{64}\n/, '\n')
  for (const [pem, reason] of [
    ['', /must hold certificates in PEM form/],
    ['-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----', /PEM/],
    [root.pem.replace('END', 'FIN'), /PEM/],
    [root.pem + root.pem.replace('M', '!'), /PEM|place 2/],
    [broken, /place 1/],
    [root.pem + leaf.pem, /place 2 that is no authority/],
  ] as const) {
    assert.throws(() => compileAuthorities(pem), { name: 'AuthoritiesRefused', message: reason })
  }
})

test('RFC 5280 §6.1: what was good is remembered only for the authorities it was good for', () => {
  const apart = compileAuthorities(root.pem)
  assertGood(apart, leaf, [middle], 3)
  assert.equal(apart.proven.size, 2)
  assert.equal(compileAuthorities(root.pem).proven.size, 0)
  const path: readonly Certificate[] | null = leadsTo(apart, leaf.certificate, [middle.certificate], now).path
  assert.deepEqual(
    path?.map(({ subjectText }) => subjectText),
    ['O=Example,CN=app', 'O=Example,CN=Middle', 'O=Example,CN=Root'],
  )
})
