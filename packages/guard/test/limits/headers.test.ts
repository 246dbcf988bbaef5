// What a client reads about its limit, taken apart as structured fields.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { rateLimitHeaders } from '../../src/limits/headers.ts'
import { createMemoryLimits } from '../../src/limits/memory.ts'
import { handClock } from './hand-clock.ts'

const limit = { name: 'payments', requests: 2, windowSeconds: 60 }

test('draft-ietf-httpapi-ratelimit-headers-11 §3, §4: the policy, what is left of it, and Retry-After once it is gone', () => {
  const clock = handClock()
  const limits = createMemoryLimits({ elapsed: clock.elapsed })
  const take = () => rateLimitHeaders(limit, limits.take('app', limit))
  const policy = '"payments";q=2;w=60'
  assert.deepEqual(take(), { 'RateLimit-Policy': policy, RateLimit: '"payments";r=1;t=60' })
  clock.advance(20_500)
  assert.deepEqual(take(), { 'RateLimit-Policy': policy, RateLimit: '"payments";r=0;t=40' })
  clock.advance(1_000)
  assert.deepEqual(take(), {
    'RateLimit-Policy': policy,
    RateLimit: '"payments";r=0;t=39',
    'Retry-After': '39',
  })
})

/** RFC 9651 §4.2: an Item that is a String, with parameters that are Integers. */
const item = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"((?:;[a-z]+=\d{1,15})*)$/

test('RFC 9651 §4.1.6: whatever a policy may be called, both fields can be read back', () => {
  const name = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  })
  const numbers = fc.record({
    requests: fc.nat({ max: 999_999_999_999_999 }),
    windowSeconds: fc.integer({ min: 1, max: 31_622_400 }),
  })
  fc.assert(
    fc.property(name, numbers, (called, { requests, windowSeconds }) => {
      const any = { name: called, requests, windowSeconds }
      const headers = rateLimitHeaders(any, createMemoryLimits().take('app', any))
      for (const field of [headers['RateLimit-Policy'], headers.RateLimit]) {
        const [, text = '', parameters] = item.exec(field) ?? []
        assert.equal(text.replaceAll(/\\(.)/g, '$1'), called, field)
        assert.ok(parameters)
      }
      assert.ok(headers['RateLimit-Policy'].endsWith(`;q=${requests};w=${windowSeconds}`))
    }),
  )
})

test('draft-ietf-httpapi-ratelimit-headers-11 §6: Retry-After is never earlier than the end of the effective window', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 40 }),
      fc.array(fc.nat({ max: 9_000 }), { minLength: 42 }),
      (requests, pauses) => {
        const clock = handClock()
        const limits = createMemoryLimits({ elapsed: clock.elapsed })
        for (const pause of pauses) {
          clock.advance(pause)
          const headers = rateLimitHeaders({ ...limit, requests }, limits.take('app', { ...limit, requests }))
          const window = Number(/;t=(\d+)$/.exec(headers.RateLimit)?.[1])
          assert.ok(window >= 1 && window <= 60)
          if (headers['Retry-After']) assert.equal(Number(headers['Retry-After']), window)
        }
      },
    ),
  )
})
