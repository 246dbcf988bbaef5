// How a token may be spelt, known or not, and what a guard without a memory does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestView } from '@sallyport/guard'
import type { Runtime } from '../src/runtime/runtime.ts'
import { systemRuntime } from '../src/runtime/system.ts'
import { createWorld, guardOf } from './world.ts'

const viewWith = (authorization: string): RequestView => ({
  method: 'GET',
  url: '/invoices',
  headers: { get: (name) => (name === 'authorization' ? authorization : null) },
})

test('RFC 6750 §2.1: what is spelt like no token is told so, though a good token stands in it and is remembered', async () => {
  const world = createWorld()
  const guard = guardOf(world, {
    credentials: { id: 'api', secret: 'secret' },
    revocation: { whenCut: 'allow' },
  })
  const token = world.token()
  assert.ok((await guard.check(viewWith(`Bearer ${token}`))).isAllowed)
  const texts = [
    `${token}, Bearer ${token}`,
    `${token},`,
    ` ${token}`,
    `${token} `,
    'opaque,text',
    'opa"que',
    '',
  ]
  for (const text of texts) {
    const decision = await guard.check(viewWith(`Bearer ${text}`))
    assert.equal(!decision.isAllowed && decision.reason, 'credentials_malformed', text)
  }
  assert.ok(!world.asked.some((url) => url.endsWith('/introspect')))
  guard.close()
})

test('a guard that is to remember no token verifies the signature each time', async () => {
  const world = createWorld()
  let verified = 0
  const runtime: Runtime = {
    ...systemRuntime,
    async importKey(jwk) {
      const key = await systemRuntime.importKey(jwk)
      return (
        key && {
          ...key,
          hasSigned: (...signed) => {
            verified += 1
            return key.hasSigned(...signed)
          },
        }
      )
    },
  }
  const view = viewWith(`Bearer ${world.token()}`)
  // The first comes before the keys do, and what an older key set has verified is verified again.
  for (const [tokens, times] of [
    [0, 4],
    [10, 2],
  ] as const) {
    verified = 0
    const guard = guardOf(world, { cache: { tokens }, runtime })
    for (let time = 0; time < 4; time++) assert.ok((await guard.check(view)).isAllowed)
    assert.equal(verified, times)
  }
})
