// product.md, numbers to reach: a token that comes again is found, and no other is ever taken for it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentTexts } from '../src/index.ts'

test('product, numbers to reach: of two tokens that end alike each is itself, and the later one is remembered', () => {
  const texts = new RecentTexts<string>(10)
  texts.set('header.claims.same-signature', 'first')
  assert.equal(texts.get('header.other.same-signature'), undefined)
  texts.set('header.other.same-signature', 'second')
  assert.equal(texts.get('header.other.same-signature'), 'second')
  assert.equal(texts.get('header.claims.same-signature'), undefined)
})

test('product, numbers to reach: texts shorter than what is read of their end, and the empty one, are found like others', () => {
  const texts = new RecentTexts<number>(10)
  for (const [index, text] of ['', 'a', 'b', 'ba', 'ab'].entries()) texts.set(text, index)
  assert.deepEqual(
    ['', 'a', 'b', 'ba', 'ab', 'bb'].map((text) => texts.get(text)),
    [0, 1, 2, 3, 4, undefined],
  )
})

test('trust R22: a memory of texts holds no more than its limit, and nothing once it is cleared', () => {
  const texts = new RecentTexts<number>(100)
  for (let index = 0; index < 1_000; index += 1) texts.set(`token-${index}`, index)
  assert.ok(texts.size <= 100)
  assert.equal(texts.get('token-999'), 999)
  texts.clear()
  assert.equal(texts.get('token-999'), undefined)
})
