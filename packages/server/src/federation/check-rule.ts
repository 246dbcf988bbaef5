/** What no rule may be, and what its maker should know of it. */

import { breadthWarnings } from './breadth.ts'
import type { FederationRule } from './rule.ts'

export interface RuleCheck {
  /** Why the rule cannot stand: what was expected of it, as the end of a sentence. */
  readonly problems: readonly string[]
  /** Sentences about rules that can stand and let in more than their makers may think. */
  readonly warnings: readonly string[]
}

/** RFC 7519 §4.1: checked for every token, or set by a member of the rule. */
const ownClaims: ReadonlySet<string> = new Set(['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti'])

/** For a rule that has the shape of the schema. */
export function checkFederationRule(rule: FederationRule): RuleCheck {
  const { issuer, subject, claims = {} } = rule
  const problems: string[] = []
  const names = Object.keys(claims)
  if (!isIssuer(issuer)) problems.push('an issuer that is an https URL without query or fragment')
  // An issuer signs for many: a rule over the issuer alone would let in everyone who has a token of it.
  if (subject === undefined && names.length === 0) problems.push('a subject or at least one claim')
  if (subject !== undefined && /^\*+$/.test(subject)) problems.push('a subject of more than *')
  if (names.some((name) => ownClaims.has(name)))
    problems.push(`claims beside ${[...ownClaims].join(', ')}, which are checked anyway`)
  return { problems, warnings: problems.length > 0 ? [] : breadthWarnings(rule) }
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === '' && !/[?#]/.test(text)
}
