import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { parseBasic } from '../src/index.ts'
import { anyText } from './any-text.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const basic = (userPass: string) => `Basic ${base64(userPass)}`
const formEncode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
const decoded = (clientId: string, clientSecret: string) => ({ clientId, clientSecret, encoding: 'decoded' })
const raw = (clientId: string, clientSecret: string) => ({ clientId, clientSecret, encoding: 'raw' })

test('002-08: base64 of id:secret is read, as one reading where both encodings agree', () => {
  const header = 'Basic bXlfY2xpZW50X2lkOm15X2NsaWVudF9zZWNyZXQ='
  assert.deepEqual(parseBasic(header), [decoded('my_client_id', 'my_client_secret')])
})

test('002-08: the split is at the first colon', () => {
  assert.deepEqual(parseBasic(basic('id:a:b:')), [decoded('id', 'a:b:')])
})

test('000-06: a secret with +, % or / that was not encoded is there as the raw reading', () => {
  assert.deepEqual(parseBasic(basic('key:a+b/c')), [decoded('key', 'a b/c'), raw('key', 'a+b/c')])
  assert.deepEqual(parseBasic(basic('key:a%41')), [decoded('key', 'aA'), raw('key', 'a%41')])
  assert.deepEqual(parseBasic(basic('key:100%/')), [raw('key', '100%/')])
})

test('004-08: + and %20 both mean a blank, in the decoded reading that comes first', () => {
  assert.deepEqual(parseBasic(basic('the+id:the%20secret'))?.[0], decoded('the id', 'the secret'))
})

test('004-08: a bad percent sequence leaves only the raw reading', () => {
  for (const bad of ['%zz', '%', '%ff', '%C0%AF', '%00', '%0A']) {
    assert.deepEqual(parseBasic(basic(`id:${bad}`)), [raw('id', bad)])
    assert.deepEqual(parseBasic(basic(`${bad}:secret`)), [raw(bad, 'secret')])
  }
})

test('trust 28: colon, percent, plus, blank and ü survive form encoding', () => {
  const [id, secret] = ['a:%+ ü', 'ü :+%&=']
  assert.deepEqual(parseBasic(basic(`${formEncode(id)}:${formEncode(secret)}`))?.[0], decoded(id, secret))
})

test('RFC 7617 §2.1: raw UTF-8 was not form-encoded, so it has the raw reading only', () => {
  assert.deepEqual(parseBasic(basic('id:pä+ss')), [raw('id', 'pä+ss')])
})

test('trust 30-32: no base64, no colon, an empty id or an empty secret is no credential', () => {
  for (const header of [
    'Basic !!!',
    'Basic',
    'Basic ',
    '',
    basic('nocolon'),
    basic('id:'),
    basic(':secret'),
    basic(':'),
  ]) {
    assert.equal(parseBasic(header), null, header)
  }
})

test('RFC 4648 §3: base64 is read only in its one canonical spelling', () => {
  const canonical = base64('id:s') // aWQ6cw==
  for (const spelling of [
    'aWQ6cw',
    'aWQ6cw=',
    'aWQ6cx==',
    'aWQ6cw===',
    'aWQ6 cw==',
    'aWQ6cw==aWQ6cw==',
    'aWQ6Pz8_',
    'aWQ6Pz4-',
  ]) {
    assert.equal(parseBasic(`Basic ${spelling}`), null, spelling)
  }
  assert.deepEqual(parseBasic(`Basic ${canonical}`), [decoded('id', 's')])
})

test('trust 38: the scheme has no case', () => {
  for (const scheme of ['basic', 'BASIC', 'bAsIc']) {
    assert.deepEqual(parseBasic(`${scheme} ${base64('id:s')}`), [decoded('id', 's')])
  }
})

test('trust 40: another scheme, a tab, two blanks, or a list is no credential', () => {
  const token = base64('id:s')
  for (const header of [
    `Bearer ${token}`,
    `Basic\t${token}`,
    `Basic  ${token}`,
    ` Basic ${token}`,
    `Basic ${token} `,
    `Basic ${token}, Basic ${token}`,
    `Basic${token}`,
    `Basic ${token}\n`,
  ]) {
    assert.equal(parseBasic(header), null, header)
  }
})

test('RFC 7617 §2: control characters and bytes that are not UTF-8 are no credential', () => {
  for (const text of ['id\0:s', 'id:s\0', 'id:a\nb', 'id:\x7f']) assert.equal(parseBasic(basic(text)), null)
  assert.equal(parseBasic(`Basic ${Buffer.from('id:\xff', 'latin1').toString('base64')}`), null)
})

test('004-08 and 000-06: whatever a client encodes, or does not, is among the readings', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => !/\p{Cc}/u.test(value))
  fc.assert(
    fc.property(text, text, (id, secret) => {
      const encoded = parseBasic(basic(`${formEncode(id)}:${formEncode(secret)}`))
      assert.deepEqual(encoded?.[0], decoded(id, secret))
      if (id.includes(':')) return
      const plain = parseBasic(basic(`${id}:${secret}`)) ?? []
      assert.ok(plain.some((reading) => reading.clientId === id && reading.clientSecret === secret))
    }),
  )
})

test('trust R22: no header makes the Basic parser throw', () => {
  const bytes = fc.uint8Array().map((octets) => `Basic ${Buffer.from(octets).toString('base64')}`)
  fc.assert(
    fc.property(fc.oneof(anyText(), bytes), (header) => {
      for (const { clientId, clientSecret } of parseBasic(header) ?? []) assert.ok(clientId && clientSecret)
    }),
  )
})
