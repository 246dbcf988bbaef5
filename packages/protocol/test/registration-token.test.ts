// trust C: tokens of registration have a shape that scanners find and a checksum; anything else is none by its looks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRegistrationToken, parseRegistrationToken } from '../src/registration-token.ts'

const bytes = Uint8Array.from({ length: 32 }, (_, index) => index * 7)

test('settled Secrets: a registration token says which of the two it is', () => {
  const initial = formatRegistrationToken('initial', bytes)
  const registration = formatRegistrationToken('registration', bytes)
  assert.match(initial, /^sp_iat_[0-9A-Za-z]{49}$/)
  assert.match(registration, /^sp_rat_[0-9A-Za-z]{49}$/)
  assert.equal(parseRegistrationToken(initial), 'initial')
  assert.equal(parseRegistrationToken(registration), 'registration')
})

test('trust F17: shortened, lengthened, in another case or with one character changed it is none', () => {
  const token = formatRegistrationToken('initial', bytes)
  const wrong = [
    token.slice(0, -1),
    `${token}0`,
    token.toLowerCase(),
    token.replace('iat', 'rat'),
    ` ${token}`,
    '',
  ]
  const flipped = Array.from(token, (character, index) => {
    const other = character === 'a' ? 'b' : 'a'
    return token.slice(0, index) + other + token.slice(index + 1)
  })
  for (const text of [...wrong, ...flipped]) assert.equal(parseRegistrationToken(text), null, text)
})
