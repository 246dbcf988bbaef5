/** Requests that prove the possession of a key: each holds a JWS that no request before it had. */
import { createPrivateKey, type JsonWebKey, sign } from 'node:crypto'
import { scope } from './claims.ts'
import type { SignedPlan } from './load-protocol.ts'

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const lifetimeSeconds = 60

/** A fixed width, so that the Content-Length that was written before stays true. */
const idOf = (count: number): string => count.toString(36).padStart(12, '0')

/** Makes the JWSs of a plan. `start` keeps those of two jobs apart. */
export function proofSource({ header, claims, key }: SignedPlan, start: number): () => string {
  const privateKey = createPrivateKey({ format: 'jwk', key: key as JsonWebKey })
  const head = base64url(header)
  let count = start
  return () => {
    count += 1
    const iat = Math.floor(Date.now() / 1000)
    const input = `${head}.${base64url({ ...claims, jti: idOf(count), iat, exp: iat + lifetimeSeconds })}`
    const signature = sign('sha256', Buffer.from(input, 'latin1'), {
      key: privateKey,
      dsaEncoding: 'ieee-p1363',
    })
    return `${input}.${signature.toString('base64url')}`
  }
}

export interface ProofRequest {
  readonly path: string
  readonly clientId: string
  /** RFC 7523 §3: the issuer the assertion is for. */
  readonly audience: string
  /** RFC 9449 §4.2: the URL the proof is for. */
  readonly url: string
  /** Base64 of id and secret, for the request that proves a key beside them. */
  readonly credential: string
  readonly key: object
}

export type ProofKind = 'assertion' | 'dpop'

export const publicHalf = ({ d: _, ...publicJwk }: JsonWebKey): object => publicJwk

const proxied = ['Accept: application/json', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 203.0.113.7']
const formType = 'Content-Type: application/x-www-form-urlencoded'
const grant = new URLSearchParams({ grant_type: 'client_credentials', scope }).toString()

/** RFC 7523 §2.2: the client proves itself with an assertion in the body. */
function assertionPlan({ path, clientId, audience, key }: ProofRequest): SignedPlan {
  const plan = {
    after: '',
    header: { alg: 'ES256' },
    claims: { iss: clientId, sub: clientId, aud: audience },
    key,
  }
  const type = encodeURIComponent('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  const body = `${grant}&client_assertion_type=${type}&client_assertion=`
  const length = body.length + proofSource({ ...plan, before: '' }, 0)().length
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: bench.example',
    formType,
    `Content-Length: ${length}`,
    ...proxied,
  ]
  return { ...plan, before: `${head.join('\r\n')}\r\n\r\n${body}` }
}

/** RFC 9449 §5: the client proves itself with its secret, and a key beside it that the token is bound to. */
function dpopPlan({ path, url, credential, key }: ProofRequest): SignedPlan {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: bench.example',
    `Authorization: Basic ${credential}`,
    'DPoP: ',
  ]
  const rest = ['', formType, `Content-Length: ${grant.length}`, ...proxied, '', grant]
  return {
    before: head.join('\r\n'),
    after: rest.join('\r\n'),
    header: { alg: 'ES256', typ: 'dpop+jwt', jwk: publicHalf(key as JsonWebKey) },
    claims: { htm: 'POST', htu: url },
    key,
  }
}

export const proofPlan = (kind: ProofKind, request: ProofRequest): SignedPlan =>
  kind === 'assertion' ? assertionPlan(request) : dpopPlan(request)
