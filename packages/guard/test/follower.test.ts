// Following revocations over a stream that is cut, begun anew, hostile or slow: none may be missed, and none be believed missed by nobody.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventReader, type ServerEvent } from '../src/revocation/events.ts'
import { createWorld, guardOf, requestWith, settled, standardClaims, startedAt, type World } from './world.ts'

const credentials = { id: 'api', secret: 'secret' }
const path = '/oauth2/revocations'

interface Stream {
  readonly after: string | null
  write(text: string): Promise<void>
  end(): Promise<void>
}

/** Each connection as it is opened; nothing is told that a test does not tell. */
function streamsOf(world: World): Stream[] {
  const streams: Stream[] = []
  const bytes = new TextEncoder()
  world.answers.set(path, ({ init }) => {
    const after = new Headers(init.headers).get('last-event-id')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.push({
          after,
          async write(text) {
            controller.enqueue(bytes.encode(text))
            for (let turns = 0; turns < 3; turns++) await settled()
          },
          async end() {
            controller.close()
            for (let turns = 0; turns < 3; turns++) await settled()
          },
        })
      },
    })
    return new Response(body)
  })
  return streams
}

const at = (streams: readonly Stream[], index: number): Stream => {
  const stream = streams[index]
  assert.ok(stream, `no connection ${index}`)
  return stream
}

const event = (type: string, data: unknown, id?: number) =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
const app = (id: string, seq: number) =>
  `${event('revocation', { kind: 'app', id, issued_until: startedAt })}${event('position', { seq }, seq)}`

async function reasonOf(guard: ReturnType<typeof guardOf>, token: string): Promise<string> {
  const decision = await guard.check(requestWith(token))
  return decision.isAllowed ? 'allowed' : decision.reason
}

test('R15: an issuer that begins again and again and never tells all is one that is not heard', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials, revocation: { afterSeconds: 60 } })
  await at(streams, 0).write(event('ready', {}, 1))
  const token = world.token({ exp: startedAt + 10_000 })
  assert.equal(await reasonOf(guard, token), 'allowed')
  for (let index = 0; index < 10; index++) {
    await at(streams, index).write(event('claims', {}))
    await at(streams, index).end()
    await world.advance(10)
  }
  assert.equal(guard.status().revocations.heardAt, startedAt)
  assert.equal(await reasonOf(guard, token), 'feed_cut')
  guard.close()
})

test('issue 6, 2: between two heartbeats no guard is cut off, and one that is strict is when the connection ends', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials, revocation: { afterSeconds: 0 } })
  await at(streams, 0).write(event('ready', {}, 1))
  const token = world.token({ exp: startedAt + 10_000 })
  await world.advance(4)
  assert.equal(await reasonOf(guard, token), 'allowed')
  await at(streams, 0).end()
  assert.equal(await reasonOf(guard, token), 'feed_cut')
  guard.close()
})

test('RFC 7662 §2.2: what the issuer has said of a token counts until the next revocation, and then it is asked again', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  let isActive = true
  let questions = 0
  world.answers.set('/oauth2/introspect', () => {
    questions += 1
    return Response.json(isActive ? { active: true, ...standardClaims } : { active: false })
  })
  const guard = guardOf(world, { credentials, introspect: 'opaque' })
  await at(streams, 0).write(event('ready', {}, 1))
  assert.equal(await reasonOf(guard, 'opaque'), 'allowed')
  isActive = false
  assert.equal(await reasonOf(guard, 'opaque'), 'allowed')
  assert.equal(questions, 1)
  // It names nothing that the guard knows of this token: the issuer alone can tell whether it was hit.
  await at(streams, 0).write(app('another', 2))
  assert.equal(await reasonOf(guard, 'opaque'), 'inactive')
  assert.equal(questions, 2)
  guard.close()
})

test('R15: a snapshot that breaks off replaces nothing, and is asked for again', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  await at(streams, 0).write(app('app-1', 7))
  await at(streams, 0).end()
  await world.advance(1)
  assert.equal(at(streams, 1).after, null)
  await at(streams, 1).write(`${app('app-1', 7)}${event('ready', {}, 7)}`)
  assert.equal(await reasonOf(guard, world.token()), 'revoked_app')
  guard.close()
})

test('R15: after a break it goes on from what it has read, and not from what it was being told', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  await at(streams, 0).write(event('ready', {}, 3))
  const whole = app('app-1', 4)
  await at(streams, 0).write(whole.slice(0, whole.indexOf('event: position') + 8))
  await at(streams, 0).end()
  await world.advance(1)
  assert.equal(at(streams, 1).after, '3')
  await at(streams, 1).write(`${whole}${event('ready', {}, 4)}`)
  assert.equal(await reasonOf(guard, world.token()), 'revoked_app')
  guard.close()
})

test('R15: a reset ends the connection, and nothing that follows on it empties what is known', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  await at(streams, 0).write(`${app('app-1', 4)}${event('ready', {}, 4)}`)
  await at(streams, 0).write(`${event('reset', {})}${event('ready', {}, 9)}`)
  assert.equal(await reasonOf(guard, world.token()), 'revoked_app')
  await world.advance(1)
  assert.equal(at(streams, 1).after, null)
  guard.close()
})

test('R15: an issuer that does not know the position is asked for everything', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  await at(streams, 0).write(event('ready', {}, 4))
  const follow = world.answers.get(path)
  world.answers.set(path, () => new Response(null, { status: 400 }))
  await at(streams, 0).end()
  await world.advance(1)
  assert.ok(follow)
  world.answers.set(path, follow)
  await world.advance(5)
  assert.equal(at(streams, 1).after, null)
  guard.close()
})

test('R15: events named like members of every object, and of types that are not known, end nothing', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  await at(streams, 0).write(event('ready', {}, 1))
  for (const type of ['constructor', '__proto__', '__defineGetter__', 'toString', 'news'])
    await at(streams, 0).write(event(type, { kind: 'app' }))
  assert.equal(guard.status().revocations.isConnected, true)
  assert.equal(await reasonOf(guard, world.token()), 'allowed')
  await at(streams, 0).write(app('app-1', 2))
  assert.equal(await reasonOf(guard, world.token()), 'revoked_app')
  guard.close()
})

const unknownKinds = [
  { kind: 'device', id: 'device-1', issued_until: startedAt },
  { kind: '__proto__', id: 'app-9', issued_until: startedAt },
  { issued_until: startedAt },
  { kind: 'credential', id: 'main', issued_until: startedAt },
  { kind: 'app', id: ['app-9'], issued_until: startedAt },
]
for (const told of unknownKinds) {
  test(`R15: a revocation that this guard has no word for ends every token of its time, and none after: ${JSON.stringify(told)}`, async () => {
    const world = createWorld()
    const streams = streamsOf(world)
    const guard = guardOf(world, { credentials })
    const [older, newer] = [world.token(), world.token({ iat: startedAt + 1, jti: 'token-2' })]
    await at(streams, 0).write(event('ready', {}, 1))
    assert.equal(await reasonOf(guard, older), 'allowed')
    assert.equal(guard.status().revocations.notUnderstood, 0)
    await at(streams, 0).write(event('revocation', told))
    assert.equal(await reasonOf(guard, older), 'revoked_tenant')
    assert.equal(await reasonOf(guard, newer), 'allowed')
    assert.equal(guard.status().revocations.notUnderstood, 1)
    guard.close()
  })
}

test('R15: the revocations that a guard has no word for are counted from each snapshot anew', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  const told = event('revocation', unknownKinds[0])
  for (const index of [0, 1]) {
    await at(streams, index).write(`${told}${told}${event('ready', {}, 1)}`)
    assert.equal(guard.status().revocations.notUnderstood, 2)
    await at(streams, index).write(event('reset', {}))
    await world.advance(1)
  }
  guard.close()
})

test('R15: a revocation without a time is no feed to go by: the connection ends, and is told as such', async () => {
  for (const told of [null, 7, {}, { kind: 'app', id: 'app-1' }]) {
    const world = createWorld()
    const streams = streamsOf(world)
    const guard = guardOf(world, { credentials })
    await at(streams, 0).write(event('ready', {}, 1))
    await at(streams, 0).write(event('revocation', told))
    const { isConnected, failure } = guard.status().revocations
    assert.deepEqual(
      { isConnected, failure },
      { isConnected: false, failure: 'the revocation feed tells a revocation that cannot be read' },
    )
    guard.close()
  }
})

test('issue 6, 1: a guard that is closed while it waits for the next attempt opens no other connection', async () => {
  const world = createWorld()
  world.isCut = true
  const guard = guardOf(world, { credentials })
  await settled()
  guard.close()
  await world.advance(60)
  assert.equal(world.asked.filter((url) => url.endsWith(path)).length, 1)
})

test('R15: where the claim of the app holds the user in some tokens, cut-offs of both still hit', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  // Document 003 has the app in `sub`; what speaks for a user has RFC 9068's claims.
  await at(streams, 0).write(event('claims', { app: ['sub', 'client_id'], user: ['sub'] }))
  await at(streams, 0).write(event('ready', {}, 1))
  const token = world.token({ sub: 'user-1' })
  assert.equal(await reasonOf(guard, token), 'allowed')
  await at(streams, 0).write(app('app-1', 2))
  assert.equal(await reasonOf(guard, token), 'revoked_app')
  const other = world.token({ sub: 'user-2', client_id: 'app-2' })
  assert.equal(await reasonOf(guard, other), 'allowed')
  await at(streams, 0).write(event('revocation', { kind: 'user', id: 'user-2', issued_until: startedAt }))
  assert.equal(await reasonOf(guard, other), 'revoked_user')
  guard.close()
})

test('issue 4: a derived_from with something else than objects in it throws nothing', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  await at(streams, 0).write(`${app('other', 1)}${event('ready', {}, 1)}`)
  for (const derived of [[null], [1], ['x'], [[]], {}, 'x', [{ client_id: 'other', iat: 1 }]]) {
    const token = world.token({ derived_from: derived, jti: JSON.stringify(derived) })
    const hits = JSON.stringify(derived).includes('other')
    assert.equal(await reasonOf(guard, token), hits ? 'revoked_app' : 'allowed')
  }
  guard.close()
})

test('trust 6: a token younger than every cut-off still dies of what it was made from', async () => {
  const world = createWorld()
  const streams = streamsOf(world)
  const guard = guardOf(world, { credentials })
  await at(streams, 0).write(`${app('other', 1)}${event('ready', {}, 1)}`)
  const young = { iat: startedAt + 1 }
  const token = world.token({ ...young, derived_from: [{ client_id: 'other', iat: startedAt - 5 }] })
  assert.equal(await reasonOf(guard, token), 'revoked_app')
  const later = { ...young, jti: 'token-2', derived_from: [{ client_id: 'other', ...young }] }
  assert.equal(await reasonOf(guard, world.token(later)), 'allowed')
  guard.close()
})

function read(pieces: readonly string[]): ServerEvent[] {
  const events: ServerEvent[] = []
  const take = createEventReader((one) => events.push(one))
  for (const piece of pieces) take(piece)
  return events
}

for (const [name, lineEnd] of [
  ['LF', '\n'],
  ['CR LF', '\r\n'],
  ['CR', '\r'],
] as const) {
  test(`HTML 9.2.6: a stream with ${name} reads alike wherever it is cut`, () => {
    const text = `: hello\nid: 4\nevent: revocation\ndata: {"a":\ndata:1}\n\nretry: 9\ndata\n\nid\ndata: 2\n\n: end\n`
    const stream = text.replaceAll('\n', lineEnd)
    const whole = read([stream])
    assert.deepEqual(whole, [
      { type: 'revocation', data: '{"a":\n1}', lastEventId: '4' },
      { type: 'message', data: '', lastEventId: '4' },
      { type: 'message', data: '2', lastEventId: '' },
    ])
    for (let cut = 0; cut <= stream.length; cut++)
      assert.deepEqual(read([stream.slice(0, cut), stream.slice(cut)]), whole, `cut at ${cut}`)
    assert.deepEqual(read([...stream]), whole)
  })
}

test('trust 40: an event without end is given up, in one line or in many', () => {
  for (const piece of ['x'.repeat(1_000), `data: ${'x'.repeat(993)}\n`, 'id: 1\n'.repeat(200)])
    assert.throws(() => read(Array.from({ length: 1_100 }, () => piece)), RangeError)
})
