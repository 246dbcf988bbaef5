/** Whether a token of an outside issuer is one that a rule means; and if not, everything that is missing. */

import { clockSkewSeconds, isInstant } from '@sallyport/protocol'
import type { FederationRule } from './rule.ts'

export type Claims = Readonly<Record<string, unknown>>

export interface MatchContext {
  /** What `aud` must be where the rule says nothing: the tenant's issuer. */
  readonly issuer: string
  /** Epoch seconds. */
  readonly now: number
}

// A workload's token lives for minutes or hours; one that lives longer is a password that nobody can change.
const longestLifetimeSeconds = 86_400

/**
 * Empty for a match. The reasons name claims and what the rule expects, never what the token holds: they are shown to
 * the operator and stand in the log. Says nothing about the signature.
 */
export function mismatches(rule: FederationRule, claims: Claims, context: MatchContext): readonly string[] {
  return [
    ...issuerMismatches(rule, claims),
    ...audienceMismatches(rule.audience ?? context.issuer, claims),
    ...timeMismatches(claims, context.now),
    ...subjectMismatches(rule, claims),
    ...Object.entries(rule.claims ?? {}).flatMap(([name, expected]) =>
      claimMismatches(name, expected, claims),
    ),
  ]
}

/** SPIFFE JWT-SVID §3: `iss` may be absent there, because the trust domain stands in `sub` and the keys are its own. */
export function issuerMismatches({ issuer, preset }: FederationRule, { iss }: Claims): string[] {
  if (iss === issuer || (iss === undefined && preset === 'spiffe')) return []
  return [`iss is not ${issuer}`]
}

/** RFC 7519 §4.1.3; one audience only, or another of them could bring the token here. */
function audienceMismatches(expected: string, { aud }: Claims): string[] {
  const audiences = Array.isArray(aud) ? aud : [aud]
  if (audiences.length !== 1) return ['aud has not exactly one value']
  return audiences[0] === expected ? [] : [`aud is not ${expected}`]
}

function timeMismatches({ exp, nbf, iat }: Claims, now: number): string[] {
  if (!isInstant(exp)) return ['exp is missing']
  const reasons: string[] = []
  if (exp <= now - clockSkewSeconds) reasons.push('exp is past')
  if (exp > now + longestLifetimeSeconds) reasons.push('exp is more than a day ahead')
  for (const [name, start] of [
    ['nbf', nbf],
    ['iat', iat],
  ] as const) {
    if (start !== undefined && !(isInstant(start) && start <= now + clockSkewSeconds))
      reasons.push(`${name} lies ahead`)
  }
  return reasons
}

function subjectMismatches({ subject }: FederationRule, { sub }: Claims): string[] {
  // RFC 8725 §3.8: a token without a subject is about nobody.
  if (typeof sub !== 'string' || sub === '') return ['sub is missing']
  return subject === undefined || matchesPattern(subject, sub) ? [] : [`sub does not match ${subject}`]
}

function claimMismatches(name: string, expected: string | readonly string[], claims: Claims): string[] {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  const values = Array.isArray(value) ? value : [value]
  const wanted: readonly unknown[] = typeof expected === 'string' ? [expected] : expected
  if (values.some((one) => wanted.includes(asText(one)))) return []
  return [value === undefined ? `${name} is missing` : `${name} is not ${wanted.join(' or ')}`]
}

/** Rules hold texts alone; an id is a number with some issuers, and one beyond 2^53 may be another's by now. */
const asText = (value: unknown): unknown =>
  typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : value

const longestSubject = 2_048

/** A `*` stands for one or more characters within a part: a colon or a slash ends the part. */
export function matchesPattern(pattern: string, text: string): boolean {
  if (text.length > longestSubject) return false
  if (!pattern.includes('*')) return pattern === text
  const parts = (value: string) => value.split(/([:/])/)
  const wanted = parts(pattern)
  const given = parts(text)
  return (
    wanted.length === given.length && wanted.every((part, index) => matchesPart(part, given[index] ?? ''))
  )
}

/** Greedy from the left, which is right because a star meets any character of its part. */
function matchesPart(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === text
  const last = rest.pop() ?? ''
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const literal of rest) {
    // One character at least for the star before it.
    const found = text.indexOf(literal, at + 1)
    if (found === -1) return false
    at = found + literal.length
  }
  return text.length - last.length >= at + 1
}
