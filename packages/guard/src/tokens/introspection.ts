/**
 * Tokens that only the issuer can read: RFC 7662. An answer serves for a while, so that an API does not ask about the same
 * token at each request; revocations are held against it as against a JWT.
 */

import { RecentTexts, type RefusalReason, readConfirmation, type Soon } from '@sallyport/protocol'
import { accessOf, type Claims, freezeAccess, standardClaimNames, type VerifiedToken } from './access.ts'
import { checkAnswer, type ExpectedClaims } from './check-claims.ts'

export interface IntrospectionOptions extends ExpectedClaims {
  readonly issuer: string
  readonly ask: (token: string) => Promise<unknown>
  readonly clock: () => number
  /** How long an answer serves at most. */
  readonly answerSeconds: number
  readonly entries: number
}

export interface Introspection {
  verify(token: string): Soon<Verified>
  /** What is kept may have been revoked singly, which its claims need not tell. */
  forget(): void
  /** Why the last question had no answer; null after a good one. */
  readonly failure: Error | null
}

interface KeptAnswer {
  readonly token: VerifiedToken
  readonly since: number
}

type Verified = VerifiedToken | RefusalReason

// Each is a connection to the issuer: a flood of random tokens must not become a flood of questions.
const mostQuestions = 100

export function createIntrospection(options: IntrospectionOptions): Introspection {
  const { ask, clock, answerSeconds, entries } = options
  const kept = new RecentTexts<KeptAnswer>(entries)
  const asking = new Map<string, Promise<Verified>>()
  let underWay = 0
  let failure: Error | null = null

  function question(token: string): Promise<Verified> {
    underWay += 1
    const flight: Promise<Verified> = ask(token)
      .then((told): Verified => {
        failure = null
        const answer = readAnswer(told, options)
        // Forgotten meanwhile, and perhaps asked again: what was asked before a revocation is used once and not kept.
        if (typeof answer !== 'string' && asking.get(token) === flight)
          kept.set(token, { token: answer, since: clock() })
        return answer
      })
      .catch((error: unknown): Verified => {
        failure = error instanceof Error ? error : null
        return 'introspection_unavailable'
      })
      .finally(() => {
        underWay -= 1
        if (asking.get(token) === flight) asking.delete(token)
      })
    asking.set(token, flight)
    return flight
  }
  /** An answer of the future is one from before a clock was set back: nobody knows how old it is. */
  const isFresh = ({ since }: KeptAnswer): boolean => {
    const now = clock()
    return now >= since && now < since + answerSeconds
  }
  return {
    verify(token) {
      const known = kept.get(token)
      if (known !== undefined && isFresh(known)) return known.token
      return asking.get(token) ?? (underWay < mostQuestions ? question(token) : 'introspection_unavailable')
    },
    forget() {
      kept.clear()
      asking.clear()
    },
    get failure() {
      return failure
    },
  }
}

function readAnswer(answer: unknown, options: IntrospectionOptions): Verified {
  const claims = (typeof answer === 'object' && answer !== null ? answer : {}) as Claims
  if (claims.active !== true) return 'inactive'
  const problem = checkAnswer(claims, options)
  if (problem !== null) return problem
  const confirmation = readConfirmation(claims.cnf)
  if (confirmation === null && claims.cnf !== undefined) return 'confirmation_unknown'
  const access = accessOf(claims, options.issuer, standardClaimNames)
  const token = { access, confirmation, keyId: undefined, digest: undefined }
  // All who wait for this answer are handed the same one, whether or not it is kept.
  freezeAccess(token)
  return token
}
