import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { OAuthError, parseAudience, parseResource } from '../src/index.ts'
import { outcomeOf, refusalOf } from './refusal.ts'

test('RFC 8707 §2: an absolute URI is given back as it was sent', () => {
  for (const uri of [
    'https://api.example.com',
    'https://api.example.com/v1/?a=b%20c',
    'urn:example:api',
    'HTTPS://[::1]:8443/',
  ]) {
    assert.equal(parseResource(uri), uri)
  }
})

test('trust 73-75: a relative resource, one with a fragment, and what is no URI are refused', () => {
  for (const value of [
    '',
    '/api',
    'api',
    '//host/api',
    'https://a/#x',
    'https://a#',
    'https:',
    'https:/a',
    'https://',
    'https:///a',
    'https://a b',
    'https://a/%zz',
    'https://ü',
    'https://a\n',
    '1a:b',
    `https://a/${'a'.repeat(2048)}`,
  ]) {
    const refusal = refusalOf('invalid_target', () => parseResource(value))
    assert.ok(value === '' || !refusal.description.includes(value))
  }
})

test('003-15: an audience may be a URI or a plain name', () => {
  assert.equal(parseAudience('https://developers.token-project.eu'), 'https://developers.token-project.eu')
  assert.equal(parseAudience('billing-api'), 'billing-api')
  for (const value of ['', 'a b', 'ü', 'a\n', 'a'.repeat(2049)])
    refusalOf('invalid_target', () => parseAudience(value))
})

test('RFC 8707 §2: every resource taken is one that the platform can parse too', () => {
  const uri = fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string())
  fc.assert(
    fc.property(uri, (value) => {
      const resource = outcomeOf(() => parseResource(value))
      if (!(resource instanceof OAuthError)) assert.equal(new URL(resource).hash, '')
      else if (URL.canParse(value) && value.startsWith('https://'))
        assert.match(value, /#|%(?![0-9a-f]{2})|[^!-~]|["<>\\^`{|}]/i)
    }),
  )
})
