/** An issuer in memory: signs the tokens that verifiers are measured with, and answers what a guard asks of it. */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { createGuard, type Guard, type GuardOptions, systemEffects } from '@sallyport/guard'
import { audience, issuer as issuerUrl, tokenClaims } from '../claims.ts'
import { type Algorithm, fastestWay, generatePrivateKey, waysToSign } from '../signers.ts'

export interface BenchIssuer {
  readonly algorithm: Algorithm
  readonly publicKey: KeyObject
  /** Signed one by one, each with a `jti` of its own; all of one length. */
  tokens(count: number): Promise<readonly string[]>
  /** A guard of an API that has credentials here, follows the revocations, and may introspect: its whole work. */
  guard(options?: Partial<GuardOptions>): Guard
}

const keyId = 'bench-key-1'

export async function createBenchIssuer(algorithm: Algorithm): Promise<BenchIssuer> {
  const privateKey = generatePrivateKey(algorithm)
  const publicKey = createPublicKey(privateKey)
  const way = await fastestWay(waysToSign(algorithm, privateKey))
  const signature = (input: string): Promise<string> =>
    new Promise((resolve) => way.sign(Buffer.from(input), (bytes) => resolve(bytes.toString('base64url'))))
  const jwk = { ...publicKey.export({ format: 'jwk' }), alg: algorithm, use: 'sig', kid: keyId }
  return {
    algorithm,
    publicKey,
    async tokens(count) {
      const header = part({ alg: algorithm, typ: 'at+jwt', kid: keyId })
      const now = systemEffects.clock()
      const tokens: string[] = []
      for (let index = 0; index < count; index += 1) {
        const jti = `bench-${String(index).padStart(24, '0')}`
        const input = `${header}.${part(tokenClaims('app_bench_000000001', jti, now))}`
        tokens.push(`${input}.${await signature(input)}`)
      }
      return tokens
    },
    guard: (options = {}) =>
      createGuard({
        ...{
          issuer: issuerUrl,
          audience,
          credentials: { id: 'api', secret: 'secret' },
          introspect: 'opaque',
        },
        effects: { ...systemEffects, fetch: async (url) => answerTo(url, jwk) },
        ...options,
      }),
  }
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function answerTo(url: string, jwk: object): Response {
  const { pathname } = new URL(url)
  if (pathname.endsWith('/jwks')) return Response.json({ keys: [jwk] })
  if (pathname.endsWith('/introspect')) return Response.json({ active: false })
  if (pathname.endsWith('/revocations')) return new Response(revocations())
  return Response.json({
    issuer: issuerUrl,
    jwks_uri: `${issuerUrl}/jwks`,
    introspection_endpoint: `${issuerUrl}/introspect`,
  })
}

/** Nothing is revoked, and the connection stays. */
const revocations = (): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('event: ready\nid: 1\ndata: {}\n\n')),
  })
