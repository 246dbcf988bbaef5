/** What people paste: tokens in their wrappings, and everything that is no token. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatClientSecret, formatRegistrationToken } from '@sallyport/protocol'
import * as fc from '../../../../test/property.ts'
import { readTokenText } from '../../src/inspect/read-token-text.ts'

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const token = `${part({ alg: 'ES256' })}.${part({ sub: 'x' })}.c2ln`

test('issue 2, how it must feel: a token is read out of the wrappings it is pasted in', () => {
  for (const text of [
    token,
    `  ${token}\n`,
    `"${token}"`,
    `'${token}'`,
    `Bearer ${token}`,
    `bearer  ${token}`,
    `Authorization: Bearer ${token}`,
    `"Authorization: Bearer ${token}"`,
    `{"access_token":"${token}","token_type":"Bearer","expires_in":600}\n`,
  ]) {
    const read = readTokenText(text)
    assert.deepEqual(
      [read.problem, read.header, read.claims],
      [undefined, { alg: 'ES256' }, { sub: 'x' }],
      text,
    )
  }
})

test('operations: the id of a request is called one, and leads to the log', () => {
  const uuid = '9dc0cb54-6749-4660-9e3c-297fcd054908'
  const nginx = '9dc0cb54674946609e3c297fcd054908'
  const pasted = [
    uuid,
    nginx,
    `X-Request-Id: ${uuid}`,
    `"request_id":"${uuid}"`,
    ` "${uuid.toUpperCase()}"\n`,
  ]
  for (const text of pasted) {
    const read = readTokenText(text)
    assert.match(
      read.problem ?? '',
      /the id of a request, as every answer carries one in X-Request-Id\.$/,
      text,
    )
    const [id = ''] = /[\da-fA-F-]{32,}/.exec(text) ?? []
    assert.ok('nextStep' in read && read.nextStep.includes(`"request_id":"${id}"`), text)
  }
  for (const text of [uuid.slice(1), `${nginx}0`, `${uuid}.${uuid}.x`])
    assert.doesNotMatch(readTokenText(text).problem ?? '', /id of a request/, text)
})

test('003-08: a damaged header is called a malformed header, and nothing crashes', () => {
  for (const header of ['eyJhbGciOiJSUzI1RTNxpSDo', 'e30x', '%%%', part([1]), part('x'), 'bnVsbA', '_w'])
    assert.match(readTokenText(`${header}.${part({})}.x`).problem ?? '', /^Malformed header: /, header)
  const claims = readTokenText(`${part({ alg: 'RS256' })}.!.x`)
  assert.match(claims.problem ?? '', /^Malformed claims: /)
  assert.deepEqual(claims.header, { alg: 'RS256' })
})

test('trust F17: what begins like an opaque token and is none was cut or altered', () => {
  for (const text of ['sp_at_', 'sp_at_0000abc', `sp_rt_${'0'.repeat(53)}`])
    assert.match(readTokenText(text).problem ?? '', /^This is an opaque token .* cut or altered\.$/)
})

test('003-18: the name of a shell variable is told from a token', () => {
  for (const text of ['$BEARER_TOKEN', "'$BEARER_TOKEN'", '${TOKEN}', 'Bearer $BEARER_TOKEN', '%TOKEN%'])
    assert.match(
      readTokenText(text).problem ?? '',
      /^This is the name of a shell variable, not its value/,
      text,
    )
})

test('issue 2: a client secret, an empty text, a long text and other words are told from a token', () => {
  const sentence = (text: string) => readTokenText(text).problem ?? ''
  assert.match(sentence(`sp_test_${'a'.repeat(49)}`), /^This is a client secret, not a token/)
  assert.match(sentence('  \n'), /^There is no token/)
  assert.match(sentence(`${'a'.repeat(40_000)}.a.a`), /^This is too long/)
  for (const text of ['abc', 'a.b', 'a.b.c.d', 'a.b.c.d.e']) assert.match(sentence(text), /^Not a JWT/, text)
})

test('issue 5: a secret is known wherever it stands, whole or cut, and no word of the answer repeats it', () => {
  const secret = formatClientSecret('live', new Uint8Array(32).fill(7))
  const start = secret.slice(0, 20)
  for (const [text, kind, sentence] of [
    [secret, 'client_secret', /^This is a client secret, not a token\. Keep it/],
    [`the-app:${secret}`, 'client_secret', /^This is a client secret, not a token\. Keep it/],
    [start, 'client_secret', /^This is a client secret.*it was cut or mistyped/],
    [`Bearer ${start}.x.y`, 'client_secret', /^This is a client secret.*it was cut or mistyped/],
    ['Authorization: Basic dGhlLWFwcDpzM2NyM3Q=', 'basic_credentials', /^This is a client id and a secret/],
  ] as const) {
    const read = readTokenText(text)
    assert.ok(read.problem !== undefined)
    assert.equal(read.kind, kind)
    assert.match(read.problem, sentence)
    assert.match(read.nextStep, /credentials rotate/)
    const said = JSON.stringify(read)
    for (const piece of [start.slice(8), 'dGhlLWFwcD', 'the-app']) assert.ok(!said.includes(piece), piece)
  }
})

test('issue 5, 4: tokens for registering and for joining are named for what they are, whole or cut, and not repeated', () => {
  const bytes = new Uint8Array(32).fill(7)
  const invitation = `sp_invite_${'a'.repeat(43)}`
  for (const [text, kind, sentence] of [
    [formatRegistrationToken('initial', bytes), 'registration_token', /^This is a registration token/],
    [formatRegistrationToken('registration', bytes), 'registration_access_token', /^This is a registration/],
    [invitation, 'invitation', /^This is the token of an invitation/],
  ] as const) {
    const whole = readTokenText(`Bearer ${text}`)
    const cut = readTokenText(text.slice(0, -1))
    assert.deepEqual([whole.problem !== undefined && whole.kind, 'kind' in cut && cut.kind], [kind, kind])
    assert.match(whole.problem ?? '', sentence)
    assert.doesNotMatch(whole.problem ?? '', /cut or mistyped/)
    assert.match(cut.problem ?? '', /It was cut or mistyped\.$/)
    assert.ok(!JSON.stringify([whole, cut]).includes(text.slice(12, 40)))
  }
})

test('trust D: whatever is pasted, reading it ends in a token or a sentence', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
      const read = readTokenText(pieces.join('.'))
      if (read.problem === undefined) assert.ok(read.header && read.claims)
      else assert.match(read.problem, /\.$/)
    }),
  )
})
