// What each proxy forwards, as its documentation has it, and what none of them would send.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import {
  type ForwardedCertificatePreset,
  forwardedCertificateHeaders,
  forwardedCertificatePresets,
  readForwardedCertificate,
} from '../src/client-cert-header.ts'
import { bytesOf, escapeAll, escapeForAws, issuerBase64, leafBase64, pemOf } from './certificate-fixtures.ts'

const leaf = bytesOf(leafBase64)
const issuer = bytesOf(issuerBase64)
const concatenated = Buffer.concat([issuer, issuer]).toString('base64')

type Values = readonly (string | undefined)[]

/** Values in the order of the preset's headers. */
function read(preset: ForwardedCertificatePreset, ...values: Values) {
  const lines = forwardedCertificateHeaders(preset).map((name, index) => {
    const value = values[index]
    return [name, value === undefined ? undefined : [value]] as const
  })
  return readForwardedCertificate(preset, Object.fromEntries(lines))
}

const [leafPem, issuerPem] = [pemOf(leafBase64), pemOf(issuerBase64)]
const hash = 'Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688'
const subject = 'Subject="CN=app\\, one; \\"two\\",O=Example"'
const cert = `Cert="${escapeAll(leafPem)}"`
const chain = `Chain="${escapeAll(leafPem + issuerPem)}"`

const good: readonly (readonly [ForwardedCertificatePreset, Values, number])[] = [
  ['rfc9440', [`:${leafBase64}:`], 0],
  ['rfc9440', [`:${leafBase64}:`, `:${issuerBase64}:`], 1],
  ['rfc9440', [`:${leafBase64}:`, `:${issuerBase64}:, :${issuerBase64}:`], 2],
  ['nginx', [escapeAll(leafPem)], 0],
  ['nginx', [escapeAll(leafPem), 'SUCCESS'], 0],
  ['nginx', [escapeAll(leafPem), 'FAILED:self-signed certificate'], 0],
  ['haproxy', [leafBase64], 0],
  ['haproxy', [`:${leafBase64}:`], 0],
  ['haproxy', [leafBase64, concatenated], 2],
  ['haproxy', [`:${leafBase64}:`, `:${issuerBase64}:`], 1],
  ['haproxy', [leafBase64, Buffer.concat([leaf, issuer]).toString('base64')], 1],
  [
    'envoy',
    [`By=http://frontend.example;${hash};${cert};${subject};URI=spiffe://a/b?c=d;DNS=a.b;DNS=c.d`],
    0,
  ],
  ['envoy', [`${hash};${chain};Subject="";URI=`], 1],
  ['envoy', [`${hash};${cert};${chain}`], 1],
  ['envoy', [`${hash};CERT="${escapeAll(leafPem)}"`], 0],
  ['traefik', [leafBase64], 0],
  ['traefik', [`${leafBase64},${issuerBase64}`], 1],
  ['traefik', [escapeAll(`${leafBase64},${issuerBase64}`)], 1],
  ['aws_alb', [escapeForAws(leafPem)], 0],
  ['aws_alb', [escapeForAws(leafPem + issuerPem)], 1],
  ['aws_alb', [undefined, escapeForAws(leafPem)], 0],
]
for (const [index, [preset, values, chainLength]] of good.entries()) {
  test(`RFC 9440 §2: a header as ${preset} sends it gives the leaf and the chain (${index})`, () => {
    const found = read(preset, ...values)
    assert.ok(found && found !== 'malformed')
    assert.deepEqual(new Uint8Array(found.leaf), leaf)
    assert.deepEqual(
      found.chain.map((bytes) => new Uint8Array(bytes)),
      new Array(chainLength).fill(issuer),
    )
  })
}

test('RFC 9440 §2: no header, or an empty one, is no certificate', () => {
  for (const preset of forwardedCertificatePresets) {
    assert.equal(readForwardedCertificate(preset, {}), null)
    assert.equal(read(preset, '', ''), null)
    assert.equal(read(preset, ' '), null)
  }
  assert.equal(read('nginx', undefined, 'NONE'), null)
  assert.equal(read('envoy', `${hash};${subject}`), null)
})

test('trust 30: only the element of the nearest Envoy counts, whatever a client has put before it', () => {
  const forged = `Cert="${escapeAll(issuerPem)}"`
  const leafOf = (header: string) => {
    const found = read('envoy', header)
    return found && found !== 'malformed' ? Buffer.from(found.leaf).toString('base64') : found
  }
  assert.equal(leafOf(`${hash};${forged},${hash};${cert}`), leafBase64)
  assert.equal(leafOf(`${hash};${forged}, ${hash};${cert}`), leafBase64)
  // The client has no certificate of its own: what it says of itself is not used.
  assert.equal(leafOf(`${hash};${forged},${hash}`), null)
  for (const before of ['Subject="', 'Subject="\\', `${forged};Subject="`, ',', 'x', 'x=";', '"', ';'])
    assert.equal(leafOf(`${before},${hash};${cert};${subject}`), 'malformed', before)
  assert.equal(leafOf(`Subject="a,${cert.replaceAll('"', '\\"')}",${hash}`), null)
})

test('trust 30: a header that came twice is malformed, in every preset', () => {
  for (const [preset, values] of good) {
    for (const name of forwardedCertificateHeaders(preset)) {
      const lines = { [forwardedCertificateHeaders(preset)[0] ?? '']: [values[0] ?? ''], [name]: ['', ''] }
      assert.equal(readForwardedCertificate(preset, lines), 'malformed')
    }
  }
})

const bad: readonly (readonly [ForwardedCertificatePreset, ...Values])[] = [
  ['rfc9440', leafBase64],
  ['rfc9440', `"${leafBase64}"`],
  ['rfc9440', `:${leafBase64}`],
  ['rfc9440', `:${leafBase64}:;a=b`],
  ['rfc9440', '::'],
  ['rfc9440', ':'],
  ['rfc9440', `:${leafBase64}:, :${leafBase64}:`],
  ['rfc9440', `:${leafBase64}:`, `:${issuerBase64}:,`],
  ['rfc9440', `:${leafBase64}:`, issuerBase64],
  ['rfc9440', undefined, `:${issuerBase64}:`],
  ['rfc9440', `:${leafBase64.slice(0, -4)}:`],
  ['rfc9440', `:${leafBase64}AAAA:`],
  ['rfc9440', `:${leafBase64.replace('A', '-')}:`],
  ['rfc9440', `:${leafBase64.slice(0, 40)} ${leafBase64.slice(40)}:`],
  ['rfc9440', `:${Buffer.from('no certificate').toString('base64')}:`],
  ['rfc9440', `:${leafBase64}:`, new Array(10).fill(`:${issuerBase64}:`).join(',')],
  ['nginx', leafPem.replaceAll('\n', ' ').replace('BEGIN', 'TRUST')],
  ['nginx', escapeAll(leafPem).replaceAll('%2B', ' ')],
  ['nginx', escapeAll(leafPem + issuerPem)],
  ['nginx', escapeAll(`x${leafPem}`)],
  ['nginx', escapeAll(`${leafPem}x`)],
  ['nginx', escapeAll(leafPem.replace('-----END', '----END'))],
  ['nginx', `${escapeAll(leafPem)}%`],
  ['nginx', `${escapeAll(leafPem)}%ff`],
  ['nginx', escapeAll(leafPem), 'NONE'],
  ['nginx', escapeAll(leafPem), 'success'],
  ['nginx', undefined, 'SUCCESS'],
  ['haproxy', `${leafBase64}, ${leafBase64}`],
  ['haproxy', Buffer.concat([leaf, issuer]).toString('base64')],
  ['haproxy', leafBase64, `${concatenated}AAAA`],
  ['haproxy', undefined, issuerBase64],
  ['haproxy', leafBase64, Buffer.concat(new Array(10).fill(issuer)).toString('base64')],
  ['envoy', cert.replaceAll('"', '\\"')],
  ['envoy', `${cert};${cert}`],
  ['envoy', `${cert};Chain="${escapeAll(issuerPem)}"`],
  ['envoy', `Cert="${escapeAll(leafPem + issuerPem)}"`],
  ['envoy', `${cert};`],
  ['envoy', `${cert},`],
  ['envoy', `${cert} ;${hash}`],
  ['envoy', `${cert} ${hash}`],
  ['envoy', `${cert}x${hash}`],
  ['envoy', new Array(300).fill('DNS=a').join(';')],
  ['traefik', leafPem],
  ['traefik', `${leafBase64},`],
  ['traefik', `,${leafBase64}`],
  ['traefik', `${leafBase64};${issuerBase64}`],
  ['aws_alb', escapeForAws(leafPem), escapeForAws(leafPem)],
  ['aws_alb', undefined, escapeForAws(leafPem + issuerPem)],
  ['aws_alb', leafBase64],
]
for (const [index, [preset, ...values]] of bad.entries()) {
  test(`trust 30: what ${preset} would not send is malformed, never "no certificate" (${index})`, () => {
    assert.equal(read(preset, ...values), 'malformed')
  })
}

test('trust 30: two spellings of the same bytes are not both taken', () => {
  const oneByte = Buffer.from([0x30, 2, 1, 1]).toString('base64')
  assert.equal(oneByte, 'MAIBAQ==')
  assert.ok(read('haproxy', oneByte) !== 'malformed')
  for (const other of ['MAIBAR==', 'MAIBAQ', 'MAIBAQ=', 'MAIBAQ==='])
    assert.equal(read('haproxy', other), 'malformed')
})

test('R22: what is too large is malformed before it is decoded', () => {
  const large = Buffer.alloc(20_000)
  large.set([0x30, 0x82, (20_000 - 4) >> 8, (20_000 - 4) & 255])
  assert.equal(read('rfc9440', `:${large.toString('base64')}:`), 'malformed')
  assert.equal(read('haproxy', large.toString('base64')), 'malformed')
  assert.equal(read('traefik', 'A'.repeat(100_000)), 'malformed')
  assert.equal(
    read('rfc9440', `:${Buffer.from([0x30, 0x81, 5, 1, 2, 3, 4, 5]).toString('base64')}:`),
    'malformed',
  )
  assert.equal(read('rfc9440', `:${Buffer.from([0x30, 0x80, 0, 0]).toString('base64')}:`), 'malformed')
})

test('R3: every certificate comes back from every preset, and no text makes a reader throw', () => {
  const certificate = fc.uint8Array({ minLength: 0, maxLength: 400 }).map((content) => {
    const head =
      content.length < 128 ? [content.length] : content.length < 256 ? [0x81, content.length] : null
    return Buffer.from([0x30, ...(head ?? [0x82, content.length >> 8, content.length & 255]), ...content])
  })
  const forms: Record<ForwardedCertificatePreset, (base64: string) => string> = {
    rfc9440: (base64) => `:${base64}:`,
    nginx: (base64) => escapeAll(pemOf(base64)),
    haproxy: (base64) => base64,
    envoy: (base64) => `${hash};Cert="${escapeAll(pemOf(base64))}"`,
    traefik: (base64) => base64,
    aws_alb: (base64) => escapeForAws(pemOf(base64)),
  }
  fc.assert(
    fc.property(certificate, fc.constantFrom(...forwardedCertificatePresets), (bytes, preset) => {
      const found = read(preset, forms[preset](bytes.toString('base64')))
      assert.ok(found && found !== 'malformed')
      assert.deepEqual(Buffer.from(found.leaf), bytes)
    }),
  )
  const piece = fc.constantFrom(
    ':',
    ',',
    ';',
    '"',
    '\\',
    '=',
    '%',
    '%2',
    'Cert=',
    leafBase64,
    escapeAll(leafPem),
    ' ',
    'MAA=',
  )
  const hostile = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(
      fc.constantFrom(...forwardedCertificatePresets),
      fc.oneof(hostile, fc.string()),
      fc.oneof(hostile, fc.string(), fc.constant('')),
      (preset, first, second) => {
        const found = read(preset, first, second)
        assert.ok(found === null || found === 'malformed' || found.leaf[0] === 0x30)
      },
    ),
    { numRuns: 2000 },
  )
})
