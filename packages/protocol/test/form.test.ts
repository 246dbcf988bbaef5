import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { OAuthError, parseForm } from '../src/index.ts'
import { anyText } from './any-text.ts'
import { outcomeOf, refusalOf } from './refusal.ts'

const refused = (body: string, repeatable?: readonly string[]) =>
  refusalOf('invalid_request', () => parseForm(body, repeatable))

test('000-07: the plain client credentials body is read', () => {
  const form = parseForm('grant_type=client_credentials')
  assert.equal(form.get('grant_type'), 'client_credentials')
  assert.equal(form.get('scope'), undefined)
  assert.deepEqual(form.emptyNames, [])
})

test('001-03: parameters may come in any order', () => {
  const form = parseForm('client_secret=s&scope=read&client_id=c&grant_type=client_credentials')
  assert.deepEqual(
    ['grant_type', 'client_id', 'client_secret', 'scope'].map((name) => form.get(name)),
    ['client_credentials', 'c', 's', 'read'],
  )
})

test('001-05: a parameter without a value counts as absent, and is listed as empty', () => {
  const form = parseForm('grant_type=&client_id=&client_secret=')
  assert.equal(form.get('grant_type'), undefined)
  assert.deepEqual(form.getAll('client_id'), [])
  assert.deepEqual(form.emptyNames, ['grant_type', 'client_id', 'client_secret'])
})

test('trust F27: a stray secret standing as a name without a value is not listed for the log', () => {
  assert.deepEqual(parseForm('sp_live_abc&grant_type').emptyNames, ['grant_type'])
})

test('RFC 6749 App. B: a plus sign and %20 are blanks, %2B is a plus sign, and UTF-8 is read', () => {
  assert.equal(parseForm('scope=a+b').get('scope'), 'a b')
  const form = parseForm('scope=a+b%20c&client_secret=%2B%26%3D%C3%BC%F0%9F%94%91&client%5Fid=x')
  assert.equal(form.get('scope'), 'a b c')
  assert.equal(form.get('client_secret'), '+&=ü🔑')
  assert.equal(form.get('client_id'), 'x')
})

test('RFC 6749 §3.2: unknown parameters, empty pairs and further equals signs do no harm', () => {
  const form = parseForm('&&foo=bar&client_secret=a=b==&__proto__=x&constructor=y&')
  assert.equal(form.get('client_secret'), 'a=b==')
  assert.equal(form.get('__proto__'), 'x')
  assert.equal(form.get('toString'), undefined)
  assert.deepEqual(parseForm('').getAll('scope'), [])
})

test('trust 11-13: a repeated name is refused, whatever its values and however it is spelled', () => {
  for (const body of [
    'grant_type=a&grant_type=b',
    'scope=read&scope=read',
    'scope=&scope=read',
    'scope=read&scope=',
    'scope&scope',
    'client_id=a&client%5fid=a',
    'foo=1&foo=2',
  ]) {
    refused(body)
  }
})

test('trust 11-13: the refusal names a well-known parameter, and no other', () => {
  assert.match(refused('scope=a&scope=b').description, / scope /)
  const unknown = refused('sp_live_abc=1&sp_live_abc=2')
  assert.doesNotMatch(unknown.description + unknown.message, /sp_live/)
})

test('trust 18: broken percent sequences and text that is not UTF-8 are refused', () => {
  for (const bad of ['%zz', '%', '%4', '%ff%fe', '%C0%AF', '%ED%A0%80', '%F4%90%80%80', '%C3', '%u0041']) {
    refused(`grant_type=${bad}`)
    refused(`${bad}=x`)
  }
})

test('trust 18: NUL and other control characters are refused, in names too', () => {
  for (const bad of ['%00', '%1b', '%7F', '%C2%85', 'a%00b']) {
    refused(`client_id=${bad}`)
    refused(`${bad}=x`)
  }
})

test('trust 18: what cannot be read is said of the place where it stood', () => {
  const sentence = (text: string) =>
    refusalOf('invalid_request', () => parseForm(text, [], 'URL')).description
  assert.equal(sentence('x=%zz'), 'The URL holds a percent sequence that is not plain UTF-8 text.')
  assert.equal(sentence('x=ü'), 'The URL holds a character that is not percent-encoded.')
})

test('RFC 9396 §2: pretty-printed JSON keeps its tabs and line ends', () => {
  assert.equal(parseForm('authorization_details=%5B%0D%0A%09%5D').get('authorization_details'), '[\r\n\t]')
})

test('RFC 6749 App. B: raw bytes outside printable ASCII are refused, a raw blank is not', () => {
  for (const bad of ['scope=ü', 'scope=\u{1F511}', 'scope=a\n', 'scope=\0', 'scope=\x7f', 'ä=x']) refused(bad)
  assert.equal(parseForm('scope=read write').get('scope'), 'read write')
})

test('RFC 6749 §3.2: a value without a name is refused', () => {
  refused('=client_credentials')
  refused('grant_type=x&=')
})

test('RFC 8707 §2: a repeatable parameter keeps all its values, without the empty ones', () => {
  const form = parseForm('resource=&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb', ['resource'])
  assert.deepEqual(form.getAll('resource'), ['https://a', 'https://b'])
  assert.deepEqual(parseForm('resource=&resource=', ['resource']).emptyNames, ['resource'])
  assert.equal(parseForm('resource=x&resource=', ['resource']).get('resource'), 'x')
})

test('RFC 8707 §2: asking for the one value of a parameter with two is refused', () => {
  const form = parseForm('resource=a&resource=b', ['resource'])
  refusalOf('invalid_request', () => form.get('resource'))
})

test('RFC 6749 App. B: whatever URLSearchParams writes is read back', () => {
  const printable = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/\p{Cc}/u.test(text))
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(printable, printable), { selector: ([name]) => name }), (pairs) => {
      const form = parseForm(new URLSearchParams(pairs).toString())
      for (const [name, value] of pairs) assert.equal(form.get(name), value)
    }),
  )
})

test('trust R22: no text makes the parser throw anything but a refusal', () => {
  const hostile = fc.array(
    fc.constantFrom('a', '=', '&', '%', '%4', '%41', '+', '%ff', '%00', 'ü', '\0', ' ', '%ED%A0%80'),
  )
  const texts = fc.oneof(
    anyText(),
    hostile.map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(texts, (body) => {
      const form = outcomeOf(() => parseForm(body, ['a']))
      if (form instanceof OAuthError) assert.equal(form.code, 'invalid_request')
      else assert.equal(form.getAll('a').includes(''), false)
    }),
  )
})
