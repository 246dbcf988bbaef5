// An authorization server and an API as two functions, and a clock that the test moves: what a client is handed here.
import assert from 'node:assert/strict'
import { type Client, type ClientOptions, createClient, TokenRequestError } from '../src/index.ts'

export const issuer = 'https://auth.example.com/acme'
export const tokenUrl = `${issuer}/oauth2/token`
export const invoices = 'https://api.example.com/invoices'

export interface Asked {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly body: string
  readonly init: RequestInit
}

type Answer = (asked: Asked) => Response | Promise<Response>

export interface World {
  readonly client: Client
  /** Requests to the token endpoint, to the API and to anything else of the server. */
  readonly tokenRequests: readonly Asked[]
  readonly apiRequests: readonly Asked[]
  readonly otherRequests: readonly Asked[]
  /** Seconds that the client has asked to wait. */
  readonly waits: readonly number[]
  readonly failedRenewals: readonly unknown[]
  advance(seconds: number): void
  /** From now on they answer so. */
  answerToken(answer: Answer): void
  answerApi(answer: Answer): void
  /** Of the API's requests so far. */
  tokensSeen(): string[]
}

export const json = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })

/** `token-1`, `token-2`, … each for five minutes, or as the members say. */
export function countedTokens(members: object = {}): Answer {
  let count = 0
  return () =>
    json(200, { access_token: `token-${++count}`, token_type: 'Bearer', expires_in: 300, ...members })
}

export const metadata = {
  issuer,
  token_endpoint: tokenUrl,
  revocation_endpoint: `${issuer}/oauth2/revoke`,
}

export const secretOf = { clientId: 'sync', clientSecret: 'sp_test_secret' }

/** The options are those of a client with a secret, with the test's beside them. */
export function createWorld(options: Partial<ClientOptions> = {}): World {
  let now = 1_800_000_000
  let tokens = countedTokens()
  let api: Answer = () => new Response('fine')
  const asked = { token: [] as Asked[], api: [] as Asked[], other: [] as Asked[] }
  const [waits, failedRenewals]: [number[], unknown[]] = [[], []]
  const other: Answer = ({ url }) => {
    if (url === 'https://auth.example.com/.well-known/oauth-authorization-server/acme')
      return json(200, metadata)
    return url === metadata.revocation_endpoint ? new Response(null, { status: 200 }) : json(404, {})
  }
  const client = createClient({
    issuer,
    ...secretOf,
    origins: ['https://api.example.com'],
    fetch: async (input, init = {}) => {
      const one = await readAsked(String(input), init)
      const place = one.url === tokenUrl ? 'token' : one.url.startsWith(invoices) ? 'api' : 'other'
      asked[place].push(one)
      return { token: tokens, api, other }[place](one)
    },
    clock: () => now,
    random: () => 0.5,
    wait: async (seconds) => void waits.push(seconds),
    deadline: () => new AbortController().signal,
    onRenewalFailed: (error) => void failedRenewals.push(error),
    ...options,
  })
  return {
    client,
    tokenRequests: asked.token,
    apiRequests: asked.api,
    otherRequests: asked.other,
    waits,
    failedRenewals,
    advance: (seconds) => {
      now += seconds
    },
    answerToken: (answer) => {
      tokens = answer
    },
    answerApi: (answer) => {
      api = answer
    },
    tokensSeen: () => asked.api.map(({ headers }) => headers.get('authorization')?.split(' ')[1] ?? ''),
  }
}

async function readAsked(url: string, init: RequestInit): Promise<Asked> {
  const { method = 'GET', body } = init
  const headers = new Headers(init.headers)
  return { url, method, headers, body: body ? await new Response(body).text() : '', init }
}

/** The claims of a JWT that the client has made. */
export const claimsOf = (jwt: string | null): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt?.split('.')[1] ?? '', 'base64url').toString())

export async function refusal(promise: Promise<unknown>): Promise<TokenRequestError> {
  const error = await promise.then(
    () => assert.fail('nothing was refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof TokenRequestError, String(error))
  return error
}

/** All that is under way and needs no time has happened. */
export const settled = () => new Promise((resolve) => setImmediate(resolve))
