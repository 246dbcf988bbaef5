/** What a client makes itself, and what is no token: DPoP proofs and client assertions, as far as they can be judged alone. */

import {
  checkClientAssertion,
  checkDpopProof,
  isAssertionType,
  type Jws,
  mediaTypeOf,
  readJws,
  signatureAlgorithms,
} from '@sallyport/protocol'
import { macAlgorithms } from '../keys/macs.ts'
import { importJwk, verifySignature } from '../keys/verify-signature.ts'
import { adviceFor } from '../sender-constraint/proof-advice.ts'
import type { InspectedKind, Problem } from './token-report.ts'

type JsonObject = Readonly<Record<string, unknown>>

interface ReadJwt {
  readonly token: string
  readonly header: JsonObject
  readonly claims: JsonObject
}

export interface MadeByClient {
  readonly kind: InspectedKind
  readonly problem: Problem
}

/**
 * Null for any other JWT. Knows no request, tenant or client: a tenant may allow fewer algorithms and wants its own issuer as
 * `aud`, a request has its own method and URL, and each counts once.
 */
export function readMadeByClient(read: ReadJwt, now: number): MadeByClient | null {
  if (mediaTypeOf(read) === 'dpop+jwt') return { kind: 'dpop_proof', problem: proofProblem(read, now) }
  if (looksLikeAssertion(read)) return { kind: 'client_assertion', problem: assertionProblem(read, now) }
  return null
}

function proofProblem({ token, claims: { htm, htu } }: ReadJwt, now: number): Problem {
  const target = isShort(htm) && isShort(htu) ? ` for ${htm} ${htu}` : ''
  const what = `This is a DPoP proof${target}, not a token`
  const jws = readJws(token)
  const reason = jws === null ? 'proof malformed' : reasonAgainstProof(jws, now)
  if (reason === null)
    return {
      sentence: `${what}; as a proof it is good by itself, for one request.`,
      nextStep:
        'Send it in the header DPoP of that request, and give the token here: the one in Authorization.',
    }
  return {
    sentence: `${what}; as a proof it is refused: ${reason}.`,
    nextStep: adviceFor(reason) ?? 'Make a new proof for each request.',
  }
}

function reasonAgainstProof(jws: Jws, now: number): string | null {
  const { htm, htu } = jws.payload
  const proof = checkDpopProof(jws, {
    // Held against what it says itself, as far as that is a method and a URL at all.
    method: typeof htm === 'string' && htm !== '' ? htm.toUpperCase() : 'any',
    urls: httpUrlsOf(htu),
    algorithms: new Set(signatureAlgorithms),
    now,
  })
  if (!proof.ok) return proof.reason
  const key = importJwk(proof.jwk)
  const isSigned = key !== null && verifySignature(key, jws.algorithm, jws.signingInput, jws.signature)
  return isSigned ? null : 'proof not signed with its key'
}

function httpUrlsOf(htu: unknown): readonly string[] {
  const url = typeof htu === 'string' ? URL.parse(htu) : null
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? [url.href] : []
}

/** RFC 7523 §3: only of a client about itself can it be told from the token of a stranger. */
function looksLikeAssertion({ header, claims: { iss, sub, aud, exp } }: ReadJwt): boolean {
  const isOfClient = typeof sub === 'string' && sub !== '' && iss === sub
  return isOfClient && aud !== undefined && exp !== undefined && isAssertionType({ header })
}

const assertionAlgorithms: readonly unknown[] = [...signatureAlgorithms, ...macAlgorithms]

function assertionProblem({ header, claims }: ReadJwt, now: number): Problem {
  const { sub, aud } = claims
  const what = `This looks like a client assertion${isShort(sub) ? ` of ${sub}` : ''}${isShort(aud) ? ` for ${aud}` : ''}, not a token`
  const reason = assertionAlgorithms.includes(header.alg)
    ? reasonAgainstAssertion(claims, now)
    : 'assertion algorithm not allowed'
  if (reason === null)
    return {
      sentence: `${what}; its claims are good, if that is the issuer it is sent to, and its signature was not checked.`,
      nextStep:
        'Send it as client_assertion to the token endpoint, once, and give the token here that this answers.',
    }
  return {
    sentence: `${what}; as an assertion it is refused: ${reason}.`,
    nextStep: advice[reason] ?? 'Make a new assertion for each request.',
  }
}

function reasonAgainstAssertion(claims: JsonObject, now: number): string | null {
  const { sub, aud } = claims
  const checked = checkClientAssertion(claims, {
    clientId: typeof sub === 'string' ? sub : '',
    audiences: typeof aud === 'string' ? [aud] : [],
    now,
  })
  return checked.ok ? null : checked.reason
}

/** By the reason for the log. */
const advice: Readonly<Record<string, string>> = {
  'assertion algorithm not allowed': `Sign it with one of ${assertionAlgorithms.join(', ')} that the tenant allows.`,
  'assertion for another audience':
    'Its aud must be the issuer of the tenant, as one text and not in a list.',
  'assertion without a usable jti':
    'Its jti must be a text of 1 to 256 characters, another one in each assertion.',
  'assertion without exp': 'Its exp must be a number: seconds since 1970, five minutes ahead at most.',
  'assertion expired': 'Make a new one for each request; if a new one has expired too, compare the clocks.',
  'assertion with an nbf or iat that is no time': 'Its nbf and iat must be numbers: seconds since 1970.',
  'assertion from the future':
    'Compare the clocks of this host and of the one that made it: its iat or nbf lies ahead.',
  'assertion that lives longer than five minutes': 'Let its exp be five minutes ahead at most.',
}

// What is longer is shown with the claims.
const longestNamed = 200

const isShort = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= longestNamed
