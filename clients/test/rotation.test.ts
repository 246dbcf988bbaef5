// Signing keys change under verifiers that nobody here wrote, each a process or a library with a cache of its own.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { decodeProtectedHeader } from 'jose'
import { isLong } from '../../test/length.ts'
import type { RunningVerifier } from '../src/key-caches/caching-verifier.ts'
import { cachingVerifiers } from '../src/key-caches/index.ts'
import { type RotatingServer, startRotatingServer } from '../src/rotating-server.ts'

const rotations = 10
const emergencyAfter = 5
const keySetMaxAgeSeconds = 300
const tokenSeconds = 900

/** In full it is trust.md's: ten minutes at 200 tokens a second, in which the server's clock goes 19 times as fast. */
const form = isLong
  ? { beats: 60, secondsOfBeat: 19, tokensOfBeat: 200, beatMilliseconds: 1000 }
  : { beats: 18, secondsOfBeat: 61, tokensOfBeat: 11, beatMilliseconds: 0 }

interface Watched {
  readonly name: string
  readonly unknownKey: RegExp
  readonly running: RunningVerifier
  readonly failures: string[]
  verified: number
  fetches: number
}

interface Scene {
  readonly server: RotatingServer
  readonly watched: readonly Watched[]
  /** Every token that has not ended, the oldest first. */
  readonly live: { readonly token: string; readonly until: number }[]
  readonly kids: Set<string | undefined>
  now: number
  beats: number
}

async function prepare(t: TestContext): Promise<Scene> {
  const server = await startRotatingServer()
  t.after(() => server.stop())
  // The first token makes the first key; without one there is none to rotate.
  const first = decodeProtectedHeader(await server.token()).kid
  const watched = cachingVerifiers
    .filter(({ whyAbsent }) => whyAbsent() === undefined)
    .map(({ name, unknownKey, start }): Watched => {
      const running = start(server.setting, server.ca)
      t.after(() => running.stop())
      return { name, unknownKey, running, failures: [], verified: 0, fetches: 0 }
    })
  return { server, watched, live: [], kids: new Set([first]), now: await server.advance(0), beats: 0 }
}

/** Time goes on while tokens are asked for; then each verifier gets all of these, and older ones that still live. */
async function beat(scene: Scene): Promise<void> {
  const { server, live, kids } = scene
  const until = scene.now + tokenSeconds
  const asked = Array.from({ length: form.tokensOfBeat }, server.token)
  const advancing = server.advance(form.secondsOfBeat)
  const fresh = await Promise.all(asked)
  scene.now = await advancing
  while ((live[0]?.until ?? Number.POSITIVE_INFINITY) <= scene.now) live.shift()
  const older = [live[0], live[live.length >> 1]].flatMap((one) => one?.token ?? [])
  for (const token of fresh) {
    live.push({ token, until })
    kids.add(decodeProtectedHeader(token).kid)
  }
  await verifyAll(scene, [...older, ...fresh])
  scene.beats += 1
}

async function verifyAll({ watched, now, beats }: Scene, tokens: readonly string[]): Promise<void> {
  // Not all from the first, so that their caches end at different times.
  const begun = watched.filter((_, index) => beats >= index)
  await Promise.all(
    begun.map(async (one) => {
      const { errors, fetches } = await one.running.verify(now, tokens)
      one.failures.push(...errors.filter((error) => error !== null))
      one.verified += tokens.length
      one.fetches = fetches
    }),
  )
}

async function rotate(scene: Scene): Promise<void> {
  await scene.server.rotate()
  for (let index = 0; index < form.beats; index += 1)
    await Promise.all([beat(scene), wait(form.beatMilliseconds)])
}

/** What the lost key has signed is dead for whoever asks for the keys again, and before they do they know no new one. */
async function replaceAtOnce(scene: Scene): Promise<void> {
  const { server, live, kids } = scene
  const lost = live.at(-1)?.token ?? assert.fail('no token')
  // Whoever has to ask for the keys at this second does so before the emergency.
  await assertGood(scene, lost)
  await server.replaceAtOnce()
  live.length = 0
  const fresh = await server.token()
  kids.add(decodeProtectedHeader(fresh).kid)
  await assertUnknown(scene, fresh)
  scene.now = await server.advance(keySetMaxAgeSeconds)
  await assertUnknown(scene, lost)
  await assertGood(scene, fresh)
}

async function assertGood({ watched, now }: Scene, token: string): Promise<void> {
  for (const { name, running } of watched) {
    const { errors } = await running.verify(now, [token])
    assert.deepEqual(errors, [null], name)
  }
}

async function assertUnknown({ watched, now }: Scene, token: string): Promise<void> {
  for (const { name, running, unknownKey } of watched) {
    const [error] = (await running.verify(now, [token])).errors
    assert.match(String(error), unknownKey, name)
  }
}

test(`R6: in ${rotations} rotations at a running server no verifier of others that caches by max-age refuses a token that lives`, async (t) => {
  const scene = await prepare(t)
  const { kids, watched } = scene
  const startedAt = scene.now
  for (let rotation = 0; rotation < rotations; rotation += 1) {
    await rotate(scene)
    if (rotation + 1 === emergencyAfter) await replaceAtOnce(scene)
  }
  // The first, one for each rotation, and that of the emergency.
  assert.equal(kids.size, rotations + 2)
  for (const { name, whyAbsent } of cachingVerifiers) {
    await t.test(`R6: ${name} refuses none, and asks for the keys only when what it has is over`, (t) => {
      const problem = whyAbsent()
      if (problem !== undefined) return t.skip(`not run: ${problem}`)
      const { failures, verified, fetches } = watched.find((one) => one.name === name) ?? assert.fail()
      assert.deepEqual(failures, [])
      assert.ok(verified > rotations * form.beats * form.tokensOfBeat * 0.98, `${verified}`)
      const mostFetches = (scene.now - startedAt) / keySetMaxAgeSeconds + 1
      assert.ok(fetches > rotations && fetches <= mostFetches, `${fetches} of at most ${mostFetches}`)
      t.diagnostic(`${verified} tokens, ${fetches} key sets`)
    })
  }
})
