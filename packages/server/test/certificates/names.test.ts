// The names of RFC 8705 §2.1.2: which texts are taken, and which certificates bear them.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { DerReader, MalformedDer } from '../../src/certificates/der.ts'
import {
  canonicalName,
  formatName,
  NameRefused,
  parseName,
  readName,
} from '../../src/certificates/distinguished-name.ts'
import {
  compileName,
  matchesName,
  type NameKind,
  nameKinds,
  nameProblem,
} from '../../src/certificates/names.ts'
import { der, type Issued, issue } from './issue.ts'

let authority: Issued
let leaf: Issued

before(async () => {
  authority = await issue(null, { ca: true })
  leaf = await issue(authority, {
    name: 'C=AT,O=Example GmbH,OU=Payments,CN=App One',
    names: [
      { type: 'dns', value: 'App.Example.com' },
      { type: 'dns', value: '*.wild.example.com' },
      { type: 'url', value: 'https://example.com/App?x=1' },
      { type: 'ip', value: '192.0.2.7' },
      { type: 'ip', value: '2001:db8::7' },
      { type: 'email', value: 'App@Example.COM' },
    ],
  })
})

const bears = (kind: NameKind, text: string, { certificate }: Issued = leaf) =>
  matchesName(compileName(kind, text), certificate)

test('RFC 8705 §2.1.2: a subject is compared as a name, whatever its spelling', () => {
  for (const text of [
    'CN=App One,OU=Payments,O=Example GmbH,C=AT',
    'cn=app one, ou=PAYMENTS, o=example gmbh, c=at',
    'CN=App   One,OU=Payments,O= Example GmbH ,C=AT',
    '2.5.4.3=App One,2.5.4.11=Payments,2.5.4.10=Example GmbH,2.5.4.6=AT',
    'commonName=App\\20One,organizationalUnitName=Payments,O=Example GmbH,countryName=AT',
    `CN=#${der(0x13, 'App One').toString('hex')},OU=#0C085061796D656E7473,O=Example GmbH,C=AT`,
  ]) {
    assert.ok(bears('subject_dn', text), text)
  }
})

test('RFC 8705 §2.1.2: another subject is another client, also one part more, less or elsewhere', () => {
  for (const text of [
    'CN=App Two,OU=Payments,O=Example GmbH,C=AT',
    'C=AT,O=Example GmbH,OU=Payments,CN=App One',
    'OU=Payments,CN=App One,O=Example GmbH,C=AT',
    'CN=App One,OU=Payments,O=Example GmbH',
    'OU=Payments,O=Example GmbH,C=AT',
    'CN=App One,CN=App One,OU=Payments,O=Example GmbH,C=AT',
    'CN=App One+OU=Payments,O=Example GmbH,C=AT',
    'CN=AppOne,OU=Payments,O=Example GmbH,C=AT',
    'CN=App One\\00,OU=Payments,O=Example GmbH,C=AT',
    'CN=App One\\,OU=Payments\\,O=Example GmbH\\,C=AT',
    `CN=#${der(0x04, 'App One').toString('hex')},OU=Payments,O=Example GmbH,C=AT`,
  ]) {
    assert.ok(!bears('subject_dn', text), text)
  }
})

const attribute = (tag: number, value: string | Buffer, type: readonly number[] = [0x55, 4, 3]) =>
  der(0x30, der(0x06, type), der(tag, value))
const name = (...relatives: readonly (readonly Buffer[])[]) =>
  canonicalName(readName(Buffer.concat(relatives.map((relative) => der(0x31, ...relative)))))
const text = (written: string) => canonicalName(parseName(written))

test('RFC 4517 §4.2.11: the string type, the case and the number of spaces do not count', () => {
  const utf16 = Buffer.from('Ärger', 'utf16le').swap16()
  assert.equal(name([attribute(0x0c, 'ÄRGER')]), name([attribute(0x1e, utf16)]))
  assert.equal(name([attribute(0x0c, 'A\u0308rger')]), text('CN=Ärger'))
  assert.equal(name([attribute(0x13, ' a   b ')]), text('CN=A B'))
  assert.equal(name([attribute(0x1c, Buffer.from([0, 0, 0, 0x61]))]), text('CN=a'))
  assert.notEqual(name([attribute(0x0c, 'аpp')]), text('CN=app'), 'a Cyrillic letter')
  assert.notEqual(name([attribute(0x0c, 'ａｐｐ')]), text('CN=app'), 'full-width letters')
  assert.notEqual(name([attribute(0x0c, 'app\0')]), text('CN=app'))
})

test('RFC 4514 §2.2: the parts of a multi-valued relative name are a set, and stay apart from their neighbours', () => {
  const [cn, ou] = [attribute(0x0c, 'a'), attribute(0x0c, 'b', [0x55, 4, 11])]
  assert.equal(name([cn, ou]), name([ou, cn]))
  assert.equal(name([cn, ou]), text('OU=b + CN=a'))
  assert.notEqual(name([cn, ou]), text('OU=b,CN=a'))
  assert.notEqual(name([cn], [ou]), name([ou], [cn]))
  assert.equal(name([cn], [ou]), text('OU=b,CN=a'))
  assert.notEqual(text('CN=a\\,OU=b'), text('CN=a,OU=b'))
  assert.notEqual(text('CN=a"\\=b'.replace('"', '\\"')), text('CN=a'))
})

test('RFC 4514 §4: the examples of the document are read', () => {
  const dc = '0.9.2342.19200300.100.1.25'
  for (const [written, parts] of [
    [
      'UID=jsmith,DC=example,DC=net',
      [[`${dc}=net`], [`${dc}=example`], ['0.9.2342.19200300.100.1.1=jsmith']],
    ],
    ['CN=James \\"Jim\\" Smith\\, III,DC=net', [[`${dc}=net`], ['2.5.4.3=james "jim" smith, iii']]],
    ['CN=Before\\0dAfter,DC=net', [[`${dc}=net`], ['2.5.4.3=before\rafter']]],
    ['1.3.6.1.4.1.1466.0=#04024869', [['1.3.6.1.4.1.1466.0#04024869']]],
    ['CN=Lu\\C4\\8Di\\C4\\87', [['2.5.4.3=lučić']]],
  ] as const) {
    assert.equal(text(written), JSON.stringify(parts), written)
  }
})

test('RFC 4514 §3: a text that cannot be read for certain is refused, with a reason', () => {
  for (const [written, reason] of [
    ['', /parts like CN=app/],
    ['app', /parts like CN=app/],
    ['CN=', /without a value/],
    ['CN= ,O=a', /without a value/],
    ['CN=a,', /parts like CN=app/],
    [',CN=a', /parts like CN=app/],
    ['CN=a,,O=b', /parts like CN=app/],
    ['CN=a+', /parts like CN=app/],
    ['/CN=a/O=b', /not with slashes/],
    ['CN="a, b"', /without a backslash/],
    ['CN=a;O=b', /without a backslash/],
    ['CN=a<b', /without a backslash/],
    ['CN=a\0', /without a backslash/],
    ['CN=a\\', /needs none/],
    ['CN=a\\x', /needs none/],
    ['CN=a\\4', /needs none/],
    ['CN=\\ff', /UTF-8/],
    ['CN=a\ud800', /well-formed/],
    ['CN=#', /hex digits/],
    ['CN=#0c', /DER of one value/],
    ['CN=#0c0161ff', /DER of one value/],
    ['CN=#0c01ff', /DER of one value/],
    ['CN=#0c0161x', /does not belong there/],
    ['NOBODY=a', /write its OID/],
    ['S=a', /write its OID/],
    ['2.5.04.3=a', /write its OID/],
    [`CN=${'a'.repeat(2000)}`, /longer than/],
  ] as const) {
    assert.match(nameProblem('subject_dn', written) ?? 'taken', reason, written)
  }
})

test('R3: what is written for a name of a certificate is read as that name, and nothing makes the reader throw else', () => {
  const anyText = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ minLength: 1 }))
  const value = anyText.filter((written) => written.trim() !== '' && Buffer.byteLength(written) < 50)
  const relative = fc.array(
    fc.tuple(fc.constantFrom([0x55, 4, 3], [0x55, 4, 10], [0x2a, 3, 4]), fc.constantFrom(0x0c, 0x04), value),
    { minLength: 1, maxLength: 3 },
  )
  fc.assert(
    fc.property(fc.array(relative, { minLength: 1, maxLength: 4 }), (relatives) => {
      const elements = relatives.map((parts) =>
        parts.map(([type, tag, content]) => attribute(tag, content, type)),
      )
      const read = readName(Buffer.concat(elements.map((parts) => der(0x31, ...parts))))
      const written = formatName(read)
      if (written.length <= 1024) assert.equal(text(written), canonicalName(read), written)
    }),
  )
  const pieces = fc.constantFrom('CN', 'O', '=', ',', '+', '\\', '#', '"', '0c', 'a', ' ', '\0', 'é', '1.2')
  const hostile = fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string()), fc.constantFrom(...nameKinds), (written, kind) => {
      const problem = nameProblem(kind, written)
      assert.ok(problem === undefined || problem.length > 0)
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        readName(Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof MalformedDer)
      }
    }),
  )
  assert.ok(new DerReader(Buffer.alloc(0)).isAtEnd)
  assert.throws(() => parseName(''), NameRefused)
})

test('RFC 8705 §2.1.2: a host name has no case, and a wildcard is nobody’s name', () => {
  assert.ok(bears('san_dns', 'app.example.com'))
  assert.ok(bears('san_dns', 'APP.EXAMPLE.COM'))
  for (const other of ['example.com', 'a.wild.example.com', 'wild.example.com', 'xapp.example.com'])
    assert.ok(!bears('san_dns', other), other)
  assert.match(nameProblem('san_dns', '*.wild.example.com') ?? '', /wildcard/)
  for (const refused of [
    '*.wild.example.com',
    'app.example.com.',
    '',
    'a..b',
    '-a.b',
    'a b',
    'ä.example',
    'a'.repeat(64),
  ])
    assert.ok(nameProblem('san_dns', refused), refused)
})

test('RFC 8705 §2.1.2: a URI is compared as it is written', () => {
  assert.ok(bears('san_uri', 'https://example.com/App?x=1'))
  for (const other of [
    'https://example.com/app?x=1',
    'HTTPS://example.com/App?x=1',
    'https://example.com/App',
  ])
    assert.ok(!bears('san_uri', other), other)
  for (const refused of ['', 'example.com', '//example.com', 'https:', 'https://a b', 'urn:ä'])
    assert.ok(nameProblem('san_uri', refused), refused)
})

test('X.509-SVID §2: a SPIFFE ID stands alone among the URIs of its certificate, which is nobody’s otherwise', async () => {
  const named = (...urls: readonly string[]) =>
    issue(null, { name: 'CN=workload', names: urls.map((value) => ({ type: 'url' as const, value })) })
  const id = 'spiffe://example.org/app'
  assert.ok(bears('san_uri', id, await named(id)))
  for (const beside of ['spiffe://evil.example/app', 'https://example.com/app'])
    assert.ok(!bears('san_uri', id, await named(id, beside)), beside)
})

test('RFC 8705 §2.1.2: all spellings of an address are one, and two kinds of address are two', () => {
  assert.ok(bears('san_ip', '192.0.2.7'))
  for (const same of ['2001:db8::7', '2001:DB8:0:0:0:0:0:7', '2001:0db8::0007'])
    assert.ok(bears('san_ip', same), same)
  for (const other of ['192.0.2.8', '::ffff:192.0.2.7', '2001:db8::8'])
    assert.ok(!bears('san_ip', other), other)
  for (const refused of ['', '192.0.2', '192.0.2.07', '192.0.2.0/24', '2001:db8::7%eth0', '[::1]', 'app'])
    assert.ok(nameProblem('san_ip', refused), refused)
})

test('RFC 5280 §7.5: of a mail address only the host has no case', () => {
  assert.ok(bears('san_email', 'App@example.com'))
  assert.ok(bears('san_email', 'App@EXAMPLE.com'))
  for (const other of ['app@example.com', 'App@example.org']) assert.ok(!bears('san_email', other), other)
  for (const refused of ['', 'App', '@example.com', 'a@', 'a@b@c.d', 'a b@c.d', 'a@*.d'])
    assert.ok(nameProblem('san_email', refused), refused)
})

test('RFC 8705 §2.1.2: a name counts only in the place it is registered for', async () => {
  const common = await issue(authority, { name: 'CN=app.example.com' })
  assert.ok(!bears('san_dns', 'app.example.com', common))
  const uri = await issue(authority, { names: [{ type: 'url', value: 'urn:app' }] })
  assert.ok(!bears('san_dns', 'urn', uri))
  const mail = await issue(authority, { names: [{ type: 'dns', value: 'app@example.com' }] })
  assert.ok(!bears('san_email', 'app@example.com', mail))
})
