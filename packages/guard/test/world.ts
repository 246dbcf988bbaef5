// A guard's world in memory: an issuer with keys, a clock that is set, and a network that can be cut.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createGuard, type Effects, type GuardOptions } from '@sallyport/guard'

export const issuer = 'https://auth.example/acme'
export const audience = 'https://api.example'
export const startedAt = 1_800_000_000

export interface SigningKey {
  readonly kid: string | undefined
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
}

export function createKey(algorithm: string, kid?: string): SigningKey {
  const { privateKey, publicKey } = pairs[algorithm]?.() ?? pairs.ES256()
  const jwk = { ...publicKey.export({ format: 'jwk' }), alg: algorithm, use: 'sig', ...(kid && { kid }) }
  return { kid, algorithm, privateKey, jwk }
}

const pairs = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
} as Readonly<Record<string, () => { privateKey: KeyObject; publicKey: KeyObject }>> & {
  readonly ES256: () => { privateKey: KeyObject; publicKey: KeyObject }
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export function signJwt(key: SigningKey, header: object, payload: object): string {
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${signText(key, input)}`
}

export const signText = (key: SigningKey, input: string): string =>
  signatureOf(key, input).toString('base64url')

function signatureOf({ algorithm, privateKey: key }: SigningKey, input: string): Buffer {
  const bytes = Buffer.from(input)
  if (algorithm === 'EdDSA') return sign(null, bytes, key)
  if (algorithm === 'PS256') return sign('sha256', bytes, { key, padding: 6, saltLength: 32 })
  if (algorithm === 'RS256') return sign('sha256', bytes, key)
  const hash = algorithm === 'ES384' ? 'sha384' : 'sha256'
  return sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' })
}

export const standardHeader = (key: SigningKey) => ({ alg: key.algorithm, kid: key.kid, typ: 'at+jwt' })

export const standardClaims = {
  iss: issuer,
  aud: audience,
  sub: 'app-1',
  client_id: 'app-1',
  iat: startedAt - 10,
  exp: startedAt + 600,
  jti: 'token-1',
  scope: 'invoices/read',
  org_id: 'org-1',
  cred: 'main',
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

type Answer = (request: { readonly url: string; readonly init: RequestInit }) => Response | Promise<Response>

export interface World {
  readonly effects: Effects
  readonly keys: SigningKey[]
  readonly key: SigningKey
  now: number
  isCut: boolean
  /** URLs that the guard has asked for. */
  readonly asked: string[]
  /** By the end of the URL. */
  readonly answers: Map<string, Answer>
  /** Runs what was put off for up to so long. */
  advance(seconds: number): Promise<void>
  token(claims?: object, header?: object): string
}

export function createWorld(algorithm = 'ES256'): World {
  const key = createKey(algorithm, 'key-1')
  const timers = new Set<{ readonly at: number; readonly work: () => void }>()
  const world: World = {
    keys: [key],
    key,
    now: startedAt,
    isCut: false,
    asked: [],
    answers: new Map<string, Answer>([
      ['/.well-known/oauth-authorization-server/acme', () => Response.json(metadata)],
      ['/oauth2/jwks', () => Response.json({ keys: world.keys.map(({ jwk }) => jwk) })],
    ]),
    effects: {
      clock: () => world.now,
      random: (bytes) => new Uint8Array(bytes).fill(7),
      async fetch(url, init = {}) {
        world.asked.push(url)
        if (world.isCut) throw new TypeError('fetch failed')
        const answer = [...world.answers].find(([end]) => url.endsWith(end))?.[1]
        return answer === undefined ? new Response(null, { status: 404 }) : answer({ url, init })
      },
      later(milliseconds, work) {
        const timer = { at: world.now + milliseconds / 1_000, work }
        timers.add(timer)
        return () => timers.delete(timer)
      },
    },
    async advance(seconds) {
      world.now += seconds
      for (const timer of [...timers].filter(({ at }) => at <= world.now)) {
        timers.delete(timer)
        timer.work()
      }
      await settled()
    },
    token: (claims = {}, header = {}) =>
      signJwt(key, { ...standardHeader(key), ...header }, { ...standardClaims, ...claims }),
  }
  return world
}

const metadata = {
  issuer,
  jwks_uri: `${issuer}/oauth2/jwks`,
  introspection_endpoint: `${issuer}/oauth2/introspect`,
}

/** What is under way without a timer has come to its end. */
export const settled = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

export const guardOf = (world: World, options: Partial<GuardOptions> = {}) =>
  createGuard({ issuer, audience, effects: world.effects, ...options })

export const requestWith = (token: string | null, init: RequestInit = {}, path = '/invoices'): Request =>
  new Request(audience + path, {
    ...init,
    headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...init.headers },
  })
