import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { parseMediaType, preferredType, requireFormContentType } from '../src/index.ts'
import { outcomeOf, refusalOf } from './refusal.ts'

test('004-20: the form type is accepted without a charset and with UTF-8, however it is spelled', () => {
  for (const header of [
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=UTF-8',
    'application/x-www-form-urlencoded;charset=utf8',
    'Application/X-WWW-Form-Urlencoded ; Charset="utf-8"',
    'application/x-www-form-urlencoded;',
    'application/x-www-form-urlencoded; other=1 ; charset="u\\tf-8"',
  ]) {
    requireFormContentType(header)
  }
})

test('trust 2-5: another media type, another charset, and none at all are refused with the type wanted', () => {
  for (const header of [
    undefined,
    '',
    'application/json',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/x-www-form-urlencoded; charset=ISO-8859-1',
    'application/x-www-form-urlencoded; charset=utf-8; charset=utf-16',
    'application/x-www-form-urlencoded, application/json',
    'application/x-www-form-urlencodedx',
    'application/x-www-form-urlencoded charset=utf-8',
    'application/x-www-form-urlencoded; charset',
    'application/x-www-form-urlencoded; charset="utf-8',
  ]) {
    const refusal = refusalOf('invalid_request', () => requireFormContentType(header))
    assert.match(refusal.description, /application\/x-www-form-urlencoded/)
  }
})

test('RFC 9110 §8.3.1: type and charset lose their case, a boundary keeps it', () => {
  assert.deepEqual(parseMediaType('Multipart/Form-Data; BOUNDARY="a;b\\"C"; charset=UTF-8'), {
    type: 'multipart/form-data',
    charset: 'utf-8',
    boundary: 'a;b"C',
  })
  assert.equal(parseMediaType('text'), null)
  assert.equal(parseMediaType('a/b; c=ü'), null)
})

test('trust R22: no header makes the media type parser throw anything but a refusal', () => {
  const hostile = fc.array(
    fc.constantFrom('a/b', ';', '"', '\\', ' ', '=', 'charset', 'utf-8', ',', '\t', '\n', 'ü'),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        hostile.map((pieces) => pieces.join('')),
      ),
      (header) => {
        parseMediaType(header)
        outcomeOf(() => requireFormContentType(header))
      },
    ),
  )
})

test('RFC 9110 §12.5.1: of the types that are offered the one with the highest weight counts, and what is ruled out or unreadable is none', () => {
  const offered = ['text/event-stream', 'application/json']
  const cases: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, undefined],
    ['', undefined],
    ['*/*', undefined],
    ['text/event-stream', 'text/event-stream'],
    ['Application/JSON ; q=0.3 , text/html', 'application/json'],
    ['application/json, text/event-stream', 'text/event-stream'],
    ['application/json, text/event-stream;q=0.9', 'application/json'],
    ['application/json;q=0, text/event-stream;q=0.000', undefined],
    ['application/json;q=1.1', undefined],
    ['application/json;q', undefined],
    ['application/jsonp, xapplication/json', undefined],
  ]
  for (const [accept, wanted] of cases) assert.equal(preferredType(accept, offered), wanted, accept)
})
