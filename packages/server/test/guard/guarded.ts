// A guard whose issuer is the in-process server: its network is the server's handler, streams included.
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { createGuard, type Decision, type Effects, type Guard, type GuardOptions } from '@sallyport/guard'
import type { TestRequest, TestServer } from '../harness.ts'

export interface Network {
  readonly effects: Effects
  /** Ends all connections, and lets nobody in. */
  cut(): void
  mend(): void
  /** Runs what was put off for up to so long. */
  pass(seconds: number): Promise<void>
}

/** What happens on its own comes to its end. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn()
}

/** What the server has begun comes: after as many turns as a busy machine makes of it, and never by a count of them. */
export async function until(isThere: () => Promise<boolean>): Promise<void> {
  while (!(await isThere())) await settle()
}

export function networkTo(server: TestServer): Network {
  let isCut = false
  let later: { readonly at: number; readonly work: () => void }[] = []
  const streams = new Set<(error: Error) => void>()
  let late = 0
  return {
    effects: {
      clock: () => server.clock() + late,
      random: (bytes) => new Uint8Array(bytes).fill(3),
      async fetch(url, init = {}) {
        if (isCut) throw new TypeError('fetch failed')
        return answer(server, url, init, streams)
      },
      later(milliseconds, work) {
        const timer = { at: server.clock() + late + milliseconds / 1_000, work }
        later.push(timer)
        return () => {
          later = later.filter((one) => one !== timer)
        }
      },
    },
    cut() {
      isCut = true
      for (const end of streams) end(new TypeError('terminated'))
      streams.clear()
    },
    mend() {
      isCut = false
    },
    async pass(seconds) {
      late += seconds
      const due = later.filter(({ at }) => at <= server.clock() + late)
      later = later.filter((timer) => !due.includes(timer))
      for (const { work } of due) work()
      await settle()
    },
  }
}

async function answer(
  server: TestServer,
  url: string,
  init: RequestInit,
  streams: Set<(error: Error) => void>,
): Promise<Response> {
  const { host, pathname, search } = new URL(url)
  const { authorization, ...headers } = Object.fromEntries(new Headers(init.headers))
  const request: TestRequest = {
    method: init.method ?? 'GET',
    host,
    url: pathname + search,
    headers,
    authorization: authorization === undefined ? [] : [authorization],
    ...(init.body instanceof URLSearchParams && { body: Object.fromEntries(init.body) }),
  }
  const reply = await server.request(request)
  const { status } = reply
  if (reply.follow === undefined) return new Response(reply.text, { status, headers: reply.headers })
  const { follow } = reply
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const text = new TextEncoder()
      controller.enqueue(text.encode(reply.text))
      const stop = follow({
        write: (piece) => controller.enqueue(text.encode(piece)),
        end: () => controller.close(),
      })
      const end = (error: Error) => {
        streams.delete(end)
        stop()
        controller.error(error)
      }
      streams.add(end)
      init.signal?.addEventListener('abort', () => streams.has(end) && end(new TypeError('aborted')))
    },
  })
  return new Response(body, { status, headers: reply.headers })
}

export interface Guarded {
  readonly guard: Guard
  readonly network: Network
  check(token: string | null, scope?: string): Promise<Decision>
}

export interface GuardedOptions extends Partial<GuardOptions> {
  readonly tenantId: string
  /** The app that stands for the API at the issuer; null for a guard without credentials. */
  readonly apiApp: string | null
  readonly audience: string
}

export function guardOf(
  t: { after(work: () => void): void },
  server: TestServer,
  { tenantId, apiApp, ...options }: GuardedOptions,
): Guarded {
  const network = networkTo(server)
  const credentials = apiApp === null ? undefined : credentialsOf(server, tenantId, apiApp)
  const guard = createGuard({
    ...{ issuer: `https://localhost:8443/${tenantId}`, effects: network.effects },
    ...(credentials && { credentials }),
    ...options,
  })
  t.after(() => guard.close())
  return {
    guard,
    network,
    async check(token, scope) {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` }
      const request = new Request('https://api.example/things', { headers })
      return await guard.check(request, scope === undefined ? {} : { scope })
    },
  }
}

function credentialsOf(server: TestServer, tenantId: string, apiApp: string) {
  const [id, secret] = server.credential(tenantId, apiApp)
  return { id, secret }
}

export function assertAllowed(decision: Decision): asserts decision is Decision & { isAllowed: true } {
  assert.ok(decision.isAllowed, decision.isAllowed ? '' : `${decision.status} ${decision.reason}`)
}

export function assertRefused(decision: Decision, reason: string): void {
  assert.equal(decision.isAllowed ? 'allowed' : decision.reason, reason)
}
