// product.md, numbers to reach: what has been read of a token is read once, in a memory that nobody can fill.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tenant } from '../../src/tenants/tenant.ts'
import type { OwnToken } from '../../src/tokens/own-token.ts'
import { createTokenMemory } from '../../src/tokens/token-memory.ts'

const edition = (number: number) => ({ edition: number }) as Tenant
const token = {} as OwnToken

test('product, numbers to reach: a token is remembered for the edition of the tenant that has read it, and no other', () => {
  const memory = createTokenMemory()
  memory.keep(edition(1), 'text', token, 600)
  assert.equal(memory.find(edition(1), 'text'), token)
  assert.equal(memory.find(edition(2), 'text'), undefined)
  assert.equal(memory.find(edition(1), 'other'), undefined)
})

test('trust R22: of tokens ten thousand are remembered at most, and no long one', () => {
  const memory = createTokenMemory()
  for (let index = 0; index < 20_000; index++) memory.keep(edition(1), String(index), token, 600)
  const kept = Array.from({ length: 20_000 }, (_, index) => memory.find(edition(1), String(index)))
  assert.ok(kept.filter((found) => found !== undefined).length <= 10_000)
  assert.equal(memory.find(edition(1), '19999'), token)
  memory.keep(edition(1), 'long', token, 3_001)
  assert.equal(memory.find(edition(1), 'long'), undefined)
})
