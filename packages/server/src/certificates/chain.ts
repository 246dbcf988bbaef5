/** Whether a client's certificate leads to an authority that the tenant trusts: the parts of RFC 5280 §6 that we process. */

import { RecentMap } from '@sallyport/protocol'
import { type Certificate, parseClientCertificate } from './client-certificate.ts'
import { decodePem } from './pem.ts'
import { isSignedBy, isStrong } from './signature.ts'

/** The certificates of a tenant's authorities, compiled once. */
export interface Authorities {
  /** By subject. All listed certificates: where an issuer is listed as well, a path goes on to it. */
  readonly listed: ReadonlyMap<string, readonly Certificate[]>
  /** Where a path may end: at a listed certificate that is self-signed, or that no listed one has issued. */
  readonly anchors: ReadonlySet<Certificate>
  /** Links that hold, from the top down, so that a signature is verified once and not at each request. */
  readonly proven: Set<string>
}

/** The list cannot be used; the message is for whoever wrote it. */
export class AuthoritiesRefused extends Error {
  override readonly name = 'AuthoritiesRefused'
}

/** From the leaf to the authority, both included; or why there is no such path, for the log. */
export type ChainVerdict =
  | { readonly path: readonly Certificate[]; readonly reason: null }
  | { readonly path: null; readonly reason: string }

const longestPath = 8
const extraCertificates = 8
const listedCertificates = 100
/** Paths that are tried, and certificates that are looked at on the way: hostile extras can branch at each step. */
const tries = 16
const steps = 200
const provenLinks = 10_000
// For all tenants together: links that fail can be made without end.
const brokenLinks = 10_000

const clientAuth = '1.3.6.1.5.5.7.3.2'
const anyPurpose = '2.5.29.37.0'

/** Reads a PEM list. Throws `AuthoritiesRefused`. Dates are not looked at: they count when a certificate is judged. */
export function compileAuthorities(pem: string): Authorities {
  const blocks = decodePem(pem, 'CERTIFICATE') ?? refuse('must hold certificates in PEM form')
  if (blocks.length > listedCertificates) refuse(`must hold at most ${listedCertificates} certificates`)
  const certificates = blocks.map(
    (der, index) => parseClientCertificate(der) ?? refuse(`has a broken certificate at place ${index + 1}`),
  )
  for (const [index, certificate] of certificates.entries()) {
    const problem = authorityProblem(certificate)
    if (problem) refuse(`has a certificate at place ${index + 1} that ${problem}`)
  }
  const unique = [...new Map(certificates.map((each) => [each.thumbprintSha256, each])).values()]
  const isAnchor = (each: Certificate) =>
    hasIssued(each, each) || !unique.some((issuer) => hasIssued(issuer, each))
  const anchors = unique.filter(isAnchor)
  if (anchors.length === 0) refuse('must hold the authority at the top')
  return { listed: bySubject(unique), anchors: new Set(anchors), proven: new Set() }
}

const refuse = (what: string): never => {
  throw new AuthoritiesRefused(what)
}

/**
 * Looks for a path from the leaf to one of the authorities. `extras` are what the client has shown beside its leaf:
 * they may help to find the way, and are believed in nothing.
 *
 * Each link: names, signature, basic constraints, key usage, path length, dates at `now`, extended key usage. Name
 * constraints and policies are not processed: a certificate that has them as critical, or has name constraints at all,
 * is never part of a good path. Revocation is not looked at: see `revocationProblem`.
 */
export function leadsTo(
  authorities: Authorities,
  leaf: Certificate,
  extras: readonly Certificate[],
  now: number,
): ChainVerdict {
  const problem = leafProblem(leaf, now)
  if (problem) return { path: null, reason: `${placeOf(0)} ${problem}` }
  if (extras.length > extraCertificates)
    return {
      path: null,
      reason: `more than ${extraCertificates} certificates came beside the client certificate`,
    }
  const search: Search = { authorities, helpers: helpersOf(authorities, extras), steps }
  let reason = 'no authority of the tenant has issued the client certificate'
  let tried = 0
  for (const path of findPaths(search, [leaf])) {
    const pathReason = pathProblem(path, authorities, now)
    if (pathReason === null) return { path, reason: null }
    reason = pathReason
    if (++tried === tries) break
  }
  return { path: null, reason }
}

interface Search {
  readonly authorities: Authorities
  readonly helpers: ReadonlyMap<string, readonly Certificate[]>
  steps: number
}

/** Only names are followed here: no key of an untrusted certificate is ever used before its own has been vouched for. */
function* findPaths(search: Search, path: readonly Certificate[]): Generator<readonly Certificate[]> {
  const issuerName = path.at(-1)?.issuer ?? ''
  const { listed, anchors } = search.authorities
  for (const issuer of [...(listed.get(issuerName) ?? []), ...(search.helpers.get(issuerName) ?? [])]) {
    if (search.steps-- <= 0) return
    if (path.includes(issuer)) continue
    const longer = [...path, issuer]
    if (anchors.has(issuer)) yield longer
    else if (longer.length < longestPath) yield* findPaths(search, longer)
  }
}

function helpersOf({ listed }: Authorities, extras: readonly Certificate[]) {
  const isListed = (extra: Certificate) =>
    listed.get(extra.subject)?.some((each) => each.thumbprintSha256 === extra.thumbprintSha256) ?? false
  return bySubject(extras.filter((extra) => !isListed(extra)))
}

function bySubject(certificates: readonly Certificate[]): ReadonlyMap<string, readonly Certificate[]> {
  return Map.groupBy(certificates, ({ subject }) => subject)
}

/** From the top down, so that each signature is verified with a key that is already believed. */
function pathProblem(path: readonly Certificate[], authorities: Authorities, now: number): string | null {
  let between = 0
  for (const [depth, certificate] of path.entries()) {
    if (depth === 0) continue
    const problem = issuerProblem(certificate, between, now)
    if (problem) return `${placeOf(depth)} ${problem}`
    // RFC 5280 §4.2.1.9: certificates that an authority issues to itself do not count.
    if (!certificate.isSelfIssued) between++
  }
  for (let depth = path.length - 1; depth > 0; depth--) {
    const [issuer, subject] = [path[depth], path[depth - 1]]
    if (!issuer || !subject) return 'a path without certificates'
    if (!isLinked(authorities, issuer, subject))
      return `${placeOf(depth - 1)} is not signed by the authority it names`
  }
  return null
}

const placeOf = (depth: number): string =>
  depth === 0 ? 'the client certificate' : `certificate ${depth} above the client certificate`

const broken = new RecentMap<true>(brokenLinks)

function isLinked({ proven }: Authorities, issuer: Certificate, subject: Certificate): boolean {
  const link = `${subject.thumbprintSha256}${issuer.thumbprintSha256}`
  if (proven.has(link)) return true
  if (broken.get(link)) return false
  const holds = hasIssued(issuer, subject)
  if (!holds) broken.set(link, true)
  else {
    if (proven.size > provenLinks) proven.clear()
    proven.add(link)
  }
  return holds
}

function hasIssued(issuer: Certificate, subject: Certificate): boolean {
  const key = issuer.subject === subject.issuer ? issuer.publicKey : null
  return key !== null && isSignedBy(subject.signed, key)
}

/** RFC 5280 §4.2.1.3, §4.2.1.12: a certificate that says what it is for must say that it is for this. */
function leafProblem(leaf: Certificate, now: number): string | null {
  if (leaf.isCa) return 'is the certificate of an authority'
  if (leaf.extendedKeyUsage && !leaf.extendedKeyUsage.includes(clientAuth))
    return 'is not for client authentication'
  if (leaf.keyUsage && !leaf.keyUsage.digitalSignature) return 'is not for signatures'
  if (!leaf.publicKey || !isStrong(leaf.publicKey)) return 'has a key that is too weak or not known'
  return commonProblem(leaf, now)
}

function issuerProblem(issuer: Certificate, between: number, now: number): string | null {
  if (issuer.pathLength !== null && between > issuer.pathLength) return 'allows no path of this length'
  return authorityProblem(issuer) ?? commonProblem(issuer, now)
}

/** What does not depend on time or place. */
function authorityProblem(certificate: Certificate): string | null {
  const { keyUsage, extendedKeyUsage, unprocessed } = certificate
  if (!certificate.isCa) return 'is no authority'
  if (keyUsage && !keyUsage.keyCertSign) return 'may not sign certificates'
  // An authority that is limited to other purposes cannot lend this one.
  if (extendedKeyUsage && !extendedKeyUsage.includes(clientAuth) && !extendedKeyUsage.includes(anyPurpose))
    return 'is not for client authentication'
  return unprocessed.length > 0 ? unprocessedProblem(unprocessed) : null
}

function commonProblem({ notBeforeAt, notAfterAt, unprocessed }: Certificate, now: number): string | null {
  if (now < notBeforeAt) return 'is not valid yet'
  // RFC 5280 §4.1.2.5: through the last second, inclusive.
  if (now > notAfterAt) return 'has expired'
  return unprocessed.length > 0 ? unprocessedProblem(unprocessed) : null
}

const unprocessedProblem = (types: readonly string[]): string =>
  `has limits that are not processed here (extension ${types.slice(0, 3).join(', ')})`
