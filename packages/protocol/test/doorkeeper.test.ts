// product.md, numbers to reach: a memory that is full tells who comes again from who comes once, and in bounded space.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Doorkeeper } from '../src/index.ts'

const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `name-${from + index}`)

test('product, numbers to reach: what comes a second time is known, and what comes first is seldom mistaken for it', () => {
  const door = new Doorkeeper(1_000)
  const mistaken = names(1_000).filter((name) => door.hasSeen(name))
  assert.ok(mistaken.length <= 60, `${mistaken.length} of 1,000`)
  assert.deepEqual(
    names(1_000).filter((name) => !door.hasSeen(name)),
    [],
  )
})

test('product, numbers to reach: what has not come again while as many others as the limit came is new again', () => {
  const door = new Doorkeeper(100)
  assert.equal(door.hasSeen('early'), false)
  for (const name of names(200)) door.hasSeen(name)
  assert.equal(door.hasSeen('early'), false)
})

test('product, numbers to reach: the smallest limit, and texts shorter than what is read of them, do no harm', () => {
  const door = new Doorkeeper(0)
  assert.equal(door.hasSeen(''), false)
  assert.equal(door.hasSeen(''), true)
  assert.equal(door.hasSeen('a'), false)
})
