// What a handler of `Request` and `Response` answers, with what the guard has to say beside it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits } from '@sallyport/guard'
import { protect } from '@sallyport/guard/web'
import { createWorld, guardOf, requestWith } from './world.ts'

test('RFC 9110 §15: whatever response a handler makes is answered, with the headers of a limit where it takes any', async () => {
  const world = createWorld()
  const guard = guardOf(world, { limits: { store: createMemoryLimits() } })
  const need = { endpoint: 'GET /invoices', limit: { name: 'app', requests: 50, windowSeconds: 60 } }
  const answerOf = (response: Response) => protect(guard, () => response, need)(requestWith(world.token()))
  for (const response of [
    new Response(null, { status: 204 }),
    Response.redirect('https://elsewhere.example/'),
    Response.json([]),
  ]) {
    const answer = await answerOf(response)
    assert.equal(answer.status, response.status)
    assert.match(answer.headers.get('ratelimit-policy') ?? '', /^"app"/)
  }
  // A failure of the network, as the Fetch standard has it: whoever serves makes of it what they will.
  assert.equal((await answerOf(Response.error())).type, 'error')
})
