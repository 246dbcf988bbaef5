import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { Form, OAuthError, parseMultipartForm } from '../src/index.ts'
import { outcomeOf, refusalOf } from './refusal.ts'

const contentType = 'multipart/form-data; boundary=------------------------d74496d66958873e'
const boundary = '--------------------------d74496d66958873e'
const field = (name: string, value: string) =>
  `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`
const bodyOf = (...parts: string[]) =>
  `${parts.map((part) => `${boundary}\r\n${part}\r\n`).join('')}${boundary}--\r\n`
const grantType = field('grant_type', 'client_credentials')
const good = bodyOf(grantType)

const parse = (body: string | Uint8Array, type: string | undefined = contentType) =>
  parseMultipartForm(typeof body === 'string' ? new TextEncoder().encode(body) : body, type)
const refused = (body: string | Uint8Array, type?: string) =>
  refusalOf('invalid_request', () => parse(body, type))

test('002-09: a multipart form with the one part grant_type is read', () => {
  assert.equal(parse(good).get('grant_type'), 'client_credentials')
  assert.equal(parse(good.slice(0, -2)).get('grant_type'), 'client_credentials')
})

test('002-09: what the platform itself writes as FormData is read', async () => {
  const data = new FormData()
  data.set('grant_type', 'client_credentials')
  data.set('scope', 'read write')
  const response = new Response(data)
  const type = response.headers.get('content-type') ?? ''
  const form = parse(new Uint8Array(await response.arrayBuffer()), type)
  assert.equal(form.get('grant_type'), 'client_credentials')
  assert.equal(form.get('scope'), 'read write')
})

test('002-10: literal quotes around the grant type are taken off, other quotes stay', () => {
  assert.equal(
    parse(bodyOf(field('grant_type', '"client_credentials"'))).get('grant_type'),
    'client_credentials',
  )
  assert.equal(parse(bodyOf(field('grant_type', '"'))).get('grant_type'), '"')
  assert.equal(parse(bodyOf(grantType, field('scope', '"read"'))).get('scope'), '"read"')
})

test('002-11: extra, file and repeated parts are refused', () => {
  refused(bodyOf(grantType, field('foo', 'bar')))
  refused(bodyOf(grantType, field('client_secret', 'x')))
  refused(bodyOf(grantType, grantType))
  refused(bodyOf(grantType, field('scope', ''), field('scope', 'read')))
  refused(
    bodyOf('Content-Disposition: form-data; name="grant_type"; filename="a.txt"\r\n\r\nclient_credentials'),
  )
  refused(
    bodyOf(`Content-Disposition: form-data; name="grant_type"; filename*=utf-8''a\r\n\r\nclient_credentials`),
  )
})

test('002-11: a body over 8 KiB is refused, one just below is read', () => {
  const room = 8192 - bodyOf(field('scope', '')).length
  assert.equal(parse(bodyOf(field('scope', 'a'.repeat(room)))).get('scope')?.length, room)
  assert.match(refused(bodyOf(field('scope', 'a'.repeat(room + 1)))).description, /it has more than 8 KiB/)
})

test('002-11: a missing, wrong or malformed boundary is refused', () => {
  for (const type of [
    'multipart/form-data',
    'multipart/form-data; boundary=other',
    'multipart/form-data; boundary=""',
    `multipart/form-data; boundary="${'a'.repeat(71)}"`,
    'multipart/form-data; boundary="a "',
    `${contentType}; boundary=other`,
    'multipart/mixed; boundary=------------------------d74496d66958873e',
    'application/x-www-form-urlencoded',
  ]) {
    refused(good, type)
  }
  const tooLong = 'a'.repeat(71)
  refused(good.replaceAll(boundary, `--${tooLong}`), `multipart/form-data; boundary=${tooLong}`)
  refusalOf('invalid_request', () => parseMultipartForm(new TextEncoder().encode(good), undefined))
})

test('002-11: a body that does not begin and end with its boundary is refused', () => {
  for (const body of [
    '',
    `${boundary}--\r\n`,
    `${boundary}\r\n${grantType}\r\n`,
    `${boundary}\r\n${grantType}\r\n${boundary}`,
    `${boundary}\r\n${grantType}\r\n${boundary}-`,
    `hello\r\n${good}`,
    `\r\n${good}`,
    `${good}hello`,
    `${good}${good}`,
    good.replaceAll('\r\n', '\n'),
    good.replace(`${boundary}\r\n`, `${boundary} \r\n`),
    good.replace(`${boundary}\r\n`, `${boundary}x\r\n`),
    good.replace(`${boundary}\r\n`, `${boundary}xx`),
  ]) {
    refused(body)
  }
})

test('RFC 7578 §4: part headers are read strictly', () => {
  for (const part of [
    'client_credentials',
    '\r\nclient_credentials',
    'Content-Type: text/plain\r\n\r\nclient_credentials',
    'Content-Disposition: form-data\r\n\r\nclient_credentials',
    'Content-Disposition: attachment; name="grant_type"\r\n\r\nclient_credentials',
    'Content-Disposition: form-data; name="grant_type"; name="scope"\r\n\r\nclient_credentials',
    `Content-Disposition: form-data; name="scope"\r\n${grantType}`,
    `Content-Transfer-Encoding: base64\r\n${field('grant_type', 'Y2xpZW50X2NyZWRlbnRpYWxz')}`,
    `Content-Type: application/json\r\n${grantType}`,
    `Content-Type: text/html\r\n${grantType}`,
    field('grant_type', 'client\0credentials'),
  ]) {
    refused(bodyOf(part))
  }
})

test('trust 5: a part header that is nearly all blanks is refused without going over it again and again', () => {
  refused(bodyOf(`Content-Disposition:${' '.repeat(7_000)}\u00e9\r\n\r\nclient_credentials`))
  assert.equal(
    parse(bodyOf(`Content-Disposition:${' \t'.repeat(3_000)}form-data; name="grant_type"\r\n\r\nx`)).get(
      'grant_type',
    ),
    'x',
  )
})

test('RFC 7578 §4: the part headers that some libraries add are accepted', () => {
  const part = `Content-Type: text/plain; charset=ISO-8859-1\r\ncontent-transfer-encoding: 8bit\r\n${grantType}`
  assert.equal(parse(bodyOf(part)).get('grant_type'), 'client_credentials')
  assert.equal(parse(good.replace('"grant_type"', 'grant_type')).get('grant_type'), 'client_credentials')
})

test('trust 18: a part that is not UTF-8 is refused', () => {
  refused(Buffer.from(bodyOf(field('scope', '\xff')), 'latin1'))
})

test('trust R22: no body makes the multipart parser throw anything but a refusal', () => {
  const mutated = fc
    .tuple(fc.nat(good.length), fc.nat(5), fc.string())
    .map(([at, length, text]) => good.slice(0, at) + text + good.slice(at + length))
  fc.assert(
    fc.property(fc.oneof(fc.string(), mutated), (body) => {
      const form = outcomeOf(() => parse(body))
      assert.ok(form instanceof Form || (form instanceof OAuthError && form.code === 'invalid_request'))
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => assert.ok(outcomeOf(() => parse(bytes)) instanceof OAuthError)),
  )
})
