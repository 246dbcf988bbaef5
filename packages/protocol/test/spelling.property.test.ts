// The small parsers of requests: printed and read back, and one spelling of what must have one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { forwardedCertificateHeaders, readForwardedCertificate } from '../src/client-cert-header.ts'
import { lastForwardedElement } from '../src/forwarded-element.ts'
import { parseParameters } from '../src/header-parameters.ts'
import {
  canonicalClientId,
  decodeFormComponent,
  Form,
  formatOpaqueToken,
  OAuthError,
  parseAudience,
  parseBasic,
  parseForm,
  parseMediaType,
  parseOpaqueToken,
  parseResource,
  parseScope,
} from '../src/index.ts'
import { anyText } from './any-text.ts'
import { escapeAll, leafBase64, pemOf } from './certificate-fixtures.ts'
import { outcomeOf } from './refusal.ts'

const tokenCharacters = "!#$%&'*+-.^_`|~019azAZ"
const token = fc.string({ unit: fc.constantFrom(...tokenCharacters), minLength: 1, maxLength: 8 })
const lowerToken = token.map((text) => text.toLowerCase())
const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 12,
})

test('RFC 9110 §5.6.6: parameters are read back from either way of writing them, and a name that repeats from none', () => {
  const parameter = fc.tuple(
    lowerToken,
    fc.oneof(token, visible),
    fc.boolean(),
    fc.constantFrom(';', ' ; ', ';\t'),
  )
  const list = fc.uniqueArray(parameter, { selector: ([name]) => name, maxLength: 4 })
  const isToken = (value: string) => value !== '' && [...value].every((one) => tokenCharacters.includes(one))
  const print = (parameters: readonly (readonly [string, string, boolean, string])[]) =>
    parameters
      .map(([name, value, isQuoted, separator]) => {
        const written = isQuoted || !isToken(value) ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : value
        return `${separator}${name}=${written}`
      })
      .join('')
  fc.assert(
    fc.property(list, (parameters) => {
      const text = print(parameters)
      assert.deepEqual(parseParameters(text), new Map(parameters.map(([name, value]) => [name, value])), text)
      const [first] = parameters
      if (first) assert.equal(parseParameters(text + print([first])), null)
      assert.equal(parseMediaType(`A/b${text}`)?.type, 'a/b')
    }),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(';', '=', '"', '\\', 'a', ' ', '\t', ',', 'é') }),
      (text) => void parseParameters(text),
    ),
  )
})

test('RFC 6749 App. B: a form means the same however much of it is percent-encoded', () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
    .filter((value) => !/\p{Cc}/u.test(value))
  fc.assert(
    fc.property(text, fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), (value, which) => {
      const encoded = [...value]
        .map((one, index) => {
          const bytes = [...Buffer.from(one)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
          return /[A-Za-z0-9]/.test(one) && which[index % which.length]
            ? one
            : one === ' ' && which[0]
              ? '+'
              : bytes
        })
        .join('')
      assert.equal(decodeFormComponent(encoded), value)
      const form = outcomeOf(() => parseForm(`${encoded}=${encoded}`))
      assert.ok(form instanceof Form)
      assert.deepEqual([form.names, form.get(value)], [[value], value])
      // However it is spelled the second time.
      assert.ok(
        outcomeOf(() => parseForm(`${encoded}=1&x=2&${encodeURIComponent(value)}`)) instanceof OAuthError,
      )
    }),
  )
})

test('RFC 6749 §3.3, RFC 8707 §2: scope, resource and audience are kept as they were sent or refused', () => {
  const scopes = fc.array(
    fc.string({ unit: fc.constantFrom('a', ':', '/', '*', '!', '~'), minLength: 1, maxLength: 4 }),
    { minLength: 1, maxLength: 5 },
  )
  fc.assert(fc.property(scopes, (list) => assert.deepEqual(parseScope(list.join(' ')), [...new Set(list)])))
  const pieces = fc.constantFrom(
    'https:',
    '//',
    'a.example',
    '/',
    '?',
    '#',
    '%41',
    '%4',
    ' ',
    ':',
    '@',
    'é',
    '"',
  )
  const url = fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join(''))
  const any = fc.oneof(
    anyText(),
    url,
    scopes.map((list) => list.join(' ')),
  )
  fc.assert(
    fc.property(any, (value) => {
      const scope = outcomeOf(() => parseScope(value))
      if (!(scope instanceof OAuthError)) assert.equal(new Set(value.split(' ')).size, scope.length)
      for (const parse of [parseResource, parseAudience]) {
        const kept = outcomeOf(() => parse(value))
        assert.ok(kept === value || (kept instanceof OAuthError && kept.code === 'invalid_target'))
        if (kept instanceof OAuthError && value.length > 8)
          assert.ok(!kept.message.includes(value) && !kept.description.includes(value))
      }
    }),
  )
})

test('RFC 7617 §2: credentials that are read have one base64, so none is two headers', () => {
  const header = fc.tuple(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.nat(),
    fc.constantFrom(...'AQgwz09+/= -_\n'),
  )
  fc.assert(
    fc.property(header, ([text, place, put]) => {
      const base64 = Buffer.from(`id:${text}`).toString('base64')
      const at = place % base64.length
      for (const changed of [base64.slice(0, at) + put + base64.slice(at + 1), base64 + put, put + base64]) {
        const [, raw] = parseBasic(`Basic ${changed}`) ?? []
        const [decoded] = parseBasic(`Basic ${changed}`) ?? []
        const reading = raw ?? decoded
        if (reading?.encoding === 'raw')
          assert.equal(Buffer.from(`${reading.clientId}:${reading.clientSecret}`).toString('base64'), changed)
        if (decoded) assert.equal(Buffer.from(changed, 'base64').toString('base64'), changed)
      }
    }),
    { numRuns: 300 },
  )
})

test('idea 16: an opaque token is read back from its text, and from no text with one other character', () => {
  const parts = fc.record({
    kind: fc.constantFrom('access' as const, 'refresh' as const),
    partition: fc.string({ unit: fc.constantFrom(...'0189az'), minLength: 4, maxLength: 4 }),
  })
  const random = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(parts, random, fc.nat(), fc.constantFrom(...'09AZaz_-'), (own, bytes, place, put) => {
      const text = formatOpaqueToken(own, bytes)
      assert.deepEqual(parseOpaqueToken(text), { ...own })
      const at = place % text.length
      const changed = text.slice(0, at) + put + text.slice(at + 1)
      assert.equal(parseOpaqueToken(changed) === null, changed !== text)
      for (const other of [`${text}${put}`, text.slice(1), ` ${text}`, `${text}\n`])
        assert.equal(parseOpaqueToken(other), null)
    }),
    { numRuns: 300 },
  )
})

test('RFC 9440 §2.2: a forwarded certificate that is read has one spelling in its header', () => {
  const der = fc
    .uint8Array({ minLength: 1, maxLength: 100 })
    .map((bytes) => Buffer.from([0x30, bytes.length, ...bytes]))
  const spellings = {
    rfc9440: (base64: string) => `:${base64}:`,
    haproxy: (base64: string) => base64,
    traefik: (base64: string) => base64,
  }
  const preset = fc.constantFrom(...(Object.keys(spellings) as (keyof typeof spellings)[]))
  const character = fc.constantFrom(...'ABQgw09+/=:- \n%')
  fc.assert(
    fc.property(der, preset, fc.nat(), character, fc.boolean(), (bytes, name, place, put, isLast) => {
      const text = spellings[name](bytes.toString('base64'))
      // What can hide bits is the last character before the padding.
      const at = isLast ? text.search(/=*:?$/) - 1 : place % text.length
      const [header = ''] = forwardedCertificateHeaders(name)
      for (const changed of [
        text.slice(0, at) + put + text.slice(at + 1),
        text.slice(0, at) + put + text.slice(at),
      ]) {
        const found = readForwardedCertificate(name, { [header]: [changed] })
        if (changed.trim() === text || found === 'malformed' || found === null) continue
        assert.notDeepEqual(Buffer.from(found.leaf), bytes, changed)
      }
    }),
    { numRuns: 1000 },
  )
})

test('trust F10: the spellings of a letter are one, whatever it is joined with', () => {
  const unit = fc.constantFrom(
    ...'aKß\u03c2\u0345\u0308\u0301\ufb01\u00aa\u212a\u0130\u0131\u01f0\u1fb3\u1f81\u2167\u03b9\u1e9e',
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 4 }), (text) => {
      assert.equal(canonicalClientId(text.toUpperCase()), canonicalClientId(text))
    }),
    { numRuns: 1000 },
  )
})

test('trust 68: whatever a client puts into the header before, the last element is the proxy’s own, or nothing is read', () => {
  const own = `Hash=ab;Cert="${escapeAll(pemOf(leafBase64))}"`
  const piece = fc.constantFrom('"', '\\', ',', ';', '=', 'Cert=', 'x', ' ', 'Cert="y"', ',,', 'By=z')
  const before = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(before, (text) => {
      const element = lastForwardedElement(`${text},${own}`)
      if (element === null) return
      assert.deepEqual([...element.keys()], ['hash', 'cert'], text)
      assert.equal(element.get('hash'), 'ab', text)
      assert.equal(element.get('cert'), escapeAll(pemOf(leafBase64)), text)
    }),
    { numRuns: 1000 },
  )
})
