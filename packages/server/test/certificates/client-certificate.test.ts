// Reading a certificate, beside the platform's own reader, and hostile bytes.
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { before, test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { createCertificateReader, parseClientCertificate } from '../../src/certificates/client-certificate.ts'
import { clientAuth, der, type Issued, issue, x509 } from './issue.ts'

let authority: Issued
let leaf: Issued

before(async () => {
  authority = await issue(null, { ca: true, pathLength: 2 })
  leaf = await issue(authority, {
    serial: '00ff01',
    names: [
      { type: 'dns', value: 'App.Example.com' },
      { type: 'url', value: 'spiffe://Example.com/app' },
      { type: 'ip', value: '192.0.2.7' },
      { type: 'ip', value: '2001:db8::7' },
      { type: 'email', value: 'App@Example.COM' },
    ],
  })
})

test('RFC 8705 §3.1: the thumbprint is SHA-256 over the DER, in base64url', () => {
  const expected = createHash('sha256').update(leaf.der).digest('base64url')
  assert.equal(leaf.certificate.thumbprintSha256, expected)
  assert.equal(
    Buffer.from(leaf.certificate.thumbprintSha256, 'base64url').toString('hex'),
    new X509Certificate(leaf.der).fingerprint256.replaceAll(':', '').toLowerCase(),
  )
})

test('RFC 5280 §4.1: what is read is what the platform reads', () => {
  for (const { der: bytes, certificate } of [authority, leaf]) {
    const platform = new X509Certificate(bytes)
    assert.equal(certificate.notBeforeAt, Date.parse(platform.validFrom) / 1000)
    assert.equal(certificate.notAfterAt, Date.parse(platform.validTo) / 1000)
    assert.equal(certificate.isCa, platform.ca)
    assert.ok(certificate.publicKey?.equals(platform.publicKey))
    assert.equal(
      Buffer.from(certificate.serial, 'latin1').toString('hex').replace(/^00/, ''),
      platform.serialNumber.toLowerCase(),
    )
  }
  assert.deepEqual(leaf.certificate.extendedKeyUsage, [clientAuth])
  assert.deepEqual(leaf.certificate.keyUsage, { digitalSignature: true, keyCertSign: false, crlSign: false })
  assert.equal(authority.certificate.pathLength, 2)
  assert.equal(authority.certificate.isSelfIssued, true)
  assert.equal(leaf.certificate.isSelfIssued, false)
})

test('RFC 5280 §4.2.1.6: alternative names are read by kind, in the spelling in which they are compared', () => {
  assert.deepEqual(leaf.certificate.names, {
    dns: ['app.example.com'],
    uri: ['spiffe://Example.com/app'],
    ip: ['192.0.2.7', '2001:db8::7'],
    email: ['App@example.com'],
  })
})

test('trust 30: a certificate that hides another one as PEM text is read as itself', async () => {
  // OpenSSL looks for PEM anywhere in the bytes before it tries DER, and would answer with the hidden one.
  const outer = await issue(null, {
    name: 'CN=outer',
    extensions: [new x509.Extension('1.3.6.1.4.1.55555.1', false, Buffer.from(`\n${leaf.pem}`))],
  })
  assert.match(new X509Certificate(outer.der).subject, /CN=app/)
  assert.equal(parseClientCertificate(outer.der)?.subjectText, 'CN=outer')
})

test('trust 30: PEM, a chain, and bytes before or behind a certificate are no certificate', () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from(leaf.pem),
    Buffer.concat([leaf.der, authority.der]),
    Buffer.concat([leaf.der, Buffer.from([0])]),
    Buffer.concat([Buffer.from([0]), leaf.der]),
    leaf.der.subarray(0, -1),
    Buffer.concat([leaf.der, Buffer.alloc(20_000)]),
    der(0x30),
    der(0x30, der(0x30), der(0x30), der(0x03, [0])),
  ]) {
    assert.equal(parseClientCertificate(bytes), null)
  }
})

test('RFC 5280 §4.2: an extension that comes twice is refused, since two readers may take different ones', async () => {
  const twice = der(0x30, der(0x06, [0x55, 0x1d, 0x25]), der(0x04, der(0x30, der(0x06, [0x2a, 3]))))
  const once = Buffer.from(leaf.der)
  // The wrapper of the extensions grows by one, and every length around it.
  assert.ok(parseClientCertificate(rebuild(once, [])))
  assert.equal(parseClientCertificate(rebuild(once, [twice])), null)
})

/** The certificate with more extensions; its signature is spoilt, which nobody looks at here. */
function rebuild(certificate: Buffer, extensions: readonly Buffer[]): Buffer {
  const [contents, algorithm, signature] = children(certificate) as [Buffer, Buffer, Buffer]
  const fields = children(contents)
  const [list] = children(fields.at(-1) ?? Buffer.alloc(0)) as [Buffer]
  const wrapper = der(0xa3, der(0x30, ...children(list), ...extensions))
  return der(0x30, der(0x30, ...fields.slice(0, -1), wrapper), algorithm, signature)
}

function children(element: Buffer): Buffer[] {
  const found: Buffer[] = []
  let rest = element.subarray(headBytes(element))
  while (rest.length > 0) {
    const length = headBytes(rest) + contentBytes(rest)
    found.push(rest.subarray(0, length))
    rest = rest.subarray(length)
  }
  return found
}

const headBytes = (element: Buffer): number => ((element[1] ?? 0) < 128 ? 2 : 2 + ((element[1] ?? 0) & 127))
const contentBytes = (element: Buffer): number =>
  (element[1] ?? 0) < 128 ? (element[1] ?? 0) : element.readUIntBE(2, headBytes(element) - 2)

test('R22: no bytes make the certificate reader throw, and what the platform reads as well it reads the same', () => {
  const spoilt = fc
    .tuple(
      fc.constantFrom(leaf.der, authority.der),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    )
    .map(([original, changes]) => {
      const bytes = Buffer.from(original)
      for (const [place, byte] of changes) bytes[place % bytes.length] = byte
      return bytes
    })
  const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof({ weight: 5, arbitrary: spoilt }, random), (bytes) => {
      const certificate = parseClientCertificate(bytes)
      if (!certificate) return
      assert.equal(typeof certificate.subjectText, 'string')
      assert.ok(certificate.publicKey === null || certificate.publicKey.type === 'public')
      const platform = readByPlatform(bytes)
      if (!platform) return
      assert.equal(certificate.notAfterAt, Date.parse(platform.validTo) / 1000)
      assert.ok(certificate.isCa || !platform.ca)
      if (certificate.publicKey) assert.ok(certificate.publicKey.equals(platform.publicKey))
    }),
    { numRuns: 3000 },
  )
})

function readByPlatform(bytes: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(bytes)
  } catch {
    return null
  }
}

test('RFC 5280 §4.1: a length with needless bytes is no DER, though some readers take it', () => {
  const contents = leaf.der.subarray(4)
  const length = contents.length
  assert.ok(
    parseClientCertificate(Buffer.concat([Buffer.from([0x30, 0x82, length >> 8, length & 255]), contents])),
  )
  for (const head of [
    [0x30, 0x83, 0, length >> 8, length & 255],
    [0x30, 0x84, 0, 0, length >> 8, length & 255],
    [0x30, 0x80],
    [0x30, 0x85, 0, 0, 0, length >> 8, length & 255],
  ])
    assert.equal(parseClientCertificate(Buffer.concat([Buffer.from(head), contents])), null)
})

test('R22: a certificate of more than 16 KiB is not looked at', async () => {
  const extension = (size: number) => der(0x30, der(0x06, [0x2a, 3]), der(0x04, Buffer.alloc(size)))
  assert.ok(parseClientCertificate(rebuild(leaf.der, [extension(15_000)])))
  assert.equal(parseClientCertificate(rebuild(leaf.der, [extension(16_384)])), null)
})

test('R22: deep nesting and long lists end early', () => {
  let deep = der(0x30)
  for (let depth = 0; depth < 3000; depth++) deep = der(0x30, deep)
  assert.equal(parseClientCertificate(deep), null)
  const names = der(0x30, ...new Array(3000).fill(der(0x82, 'a')))
  const extension = der(0x30, der(0x06, [0x55, 0x1d, 0x11]), der(0x04, names))
  assert.equal(parseClientCertificate(rebuild(Buffer.from(authority.der), [extension])), null)
})

test('a certificate that was read before is the same object, and the reader keeps only so many', async () => {
  const read = createCertificateReader(1)
  const first = read(leaf.der)
  assert.equal(read(Buffer.from(leaf.der)), first)
  assert.ok(read(authority.der))
  assert.notEqual(read(leaf.der), first)
  assert.equal(read(Buffer.from('none')), null)
})
