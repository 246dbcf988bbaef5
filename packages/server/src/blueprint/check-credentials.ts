/** Credentials of an app: each proves with one thing, and with what the app is registered for; no method is without. */

import {
  type AuthenticationMethod,
  authenticationMethods,
  defaultAuthenticationMethods,
} from '../apps/authentication-methods.ts'
import { checkFederationRule } from '../federation/check-rule.ts'
import { foreignFormats, readForeignHash } from '../keys/imported/formats.ts'
import { isFault } from '../keys/imported/hash.ts'
import { checkCertificate } from './certificates.ts'
import { checkAlgorithms, keyFault } from './check-algorithms.ts'
import { checkDate } from './check-dates.ts'
import { checkUnique } from './check-unique.ts'
import type { Path, Report } from './problem.ts'
import { formsOf, formWords, isHash, methodsFor, neededFor, type Proof, proofOf } from './proof.ts'
import { readJwk } from './public-key.ts'
import { type AppEntry, proofForms, type SecretSource, type TenantEntry } from './schema.ts'

interface Place {
  readonly tenant: TenantEntry
  readonly app: AppEntry
  readonly path: Path
  readonly report: Report
}

export function checkCredentials(
  tenant: TenantEntry,
  app: AppEntry,
  path: Path,
  report: Report,
  mayFollow: boolean,
): void {
  const place = { tenant, app, path, report }
  const { credentials = [] } = app
  checkUnique(credentials, 'id', [...path, 'credentials'], report)
  checkAlgorithms(tenant, app, path, report)
  for (const [index, entry] of credentials.entries()) {
    const at = [...path, 'credentials', index]
    checkDate(entry.expires_at, [...at, 'expires_at'], report)
    const proof = proofOf(entry)
    if (proof) checkProof(place, proof, [...at, proof.form])
    else report(at, formsOf(entry).join(' and ') || 'nothing', `exactly one of ${proofForms.join(', ')}`)
  }
  for (const form of ['public_key', 'jwks_uri', 'federation'] as const) checkCount(place, form)
  checkSlowHashes(place)
  checkMethods(place, mayFollow)
}

function checkProof(place: Place, proof: Proof, path: Path): void {
  const { report } = place
  checkIsUsed(place, proof, path)
  if (proof.form === 'secret') checkHash(place, proof.source, path)
  if (proof.form === 'public_key') checkPublicKey(place, proof.source, path)
  if (proof.form === 'jwks_uri' && !isPlainUrl(proof.source))
    report(path, 'text (not shown)', 'an https URL that can be read')
  if (proof.form === 'certificate') checkCertificate(proof.source, path, report)
  if (proof.form === 'federation') {
    for (const expected of checkFederationRule(proof.source).problems)
      report(path, 'a rule that cannot stand', expected)
  }
}

function checkHash({ report }: Place, source: SecretSource, path: Path): void {
  const hash = typeof source === 'object' && 'hash' in source ? readForeignHash(source.hash) : null
  if (hash && isFault(hash)) report([...path, 'hash'], hash.found, hash.expected)
}

// One wrong secret costs as many computations.
export const mostSlowHashes = 3

function checkSlowHashes({ app, path, report }: Place): void {
  const slow = (app.credentials ?? []).flatMap(({ secret }, index) => {
    const hash = typeof secret === 'object' && 'hash' in secret ? readForeignHash(secret.hash) : null
    return hash && !isFault(hash) && foreignFormats[hash.format].open(hash.verifier).isSlow ? [index] : []
  })
  const index = slow[mostSlowHashes]
  if (index !== undefined)
    report(
      [...path, 'credentials', index],
      `${slow.length} secrets as slow hashes`,
      `at most ${mostSlowHashes} in one app`,
    )
}

function checkPublicKey(
  { tenant, app, report }: Place,
  source: Readonly<Record<string, unknown>>,
  path: Path,
): void {
  if ('from_file' in source) {
    const isAlone = typeof source.from_file === 'string' && Object.keys(source).length === 1
    if (!isAlone) report([...path, 'from_file'], 'more or other than a path', 'only {from_file: PATH}')
    return
  }
  const reading = readJwk(source)
  const fault = 'jwk' in reading ? keyFault(reading.jwk, tenant, app) : reading
  if (fault) report(path, fault.found, fault.expected)
}

const isPlainUrl = (text: string): boolean =>
  URL.canParse(text) && new URL(text).protocol === 'https:' && new URL(text).username === ''

// As many signatures as one assertion may cost, as many fetches, and as many rules as are tried.
export const mostOfForms = { public_key: 10, jwks_uri: 10, federation: 20 } as const

function checkCount({ app, path, report }: Place, form: keyof typeof mostOfForms): void {
  const most = mostOfForms[form]
  const indexes = (app.credentials ?? []).flatMap((entry, index) =>
    entry[form] === undefined ? [] : [index],
  )
  const index = indexes[most]
  if (index !== undefined)
    report([...path, 'credentials', index], `${form} ${indexes.length} times`, `at most ${most}`)
}

/** A credential that no method of the app uses would look like a way in, and be none. */
function checkIsUsed({ app, report }: Place, proof: Proof, path: Path): void {
  const registered = app.client_authentication ?? defaultAuthenticationMethods
  if (proof.form === 'secret' && isHash(proof) && registered.includes('client_secret_jwt')) {
    report(
      [...path, 'hash'],
      'a hash, which cannot key the MACs of client_secret_jwt',
      'the secret itself, from elsewhere',
    )
    return
  }
  const methods = methodsFor(proof)
  if (methods.some((name) => registered.includes(name))) return
  report(
    path,
    `a ${formWords[proof.form]} that no method of the app uses`,
    `client_authentication with ${methods.join(' or ')}`,
  )
}

function checkMethods(place: Place, mayFollow: boolean): void {
  const { app, tenant, path, report } = place
  const proofs = (app.credentials ?? []).flatMap((entry) => proofOf(entry) ?? [])
  for (const [index, method] of (app.client_authentication ?? []).entries()) {
    const at = [...path, 'client_authentication', index]
    if (!mayFollow && lacksProof(method, proofs))
      report(at, `${method} without anything to prove with`, neededFor[method])
    if (method === 'tls_client_auth' && tenant.certificate_authorities === undefined)
      report(at, `${method} in a tenant without certificate_authorities`, 'the tenant to name them')
  }
}

const lacksProof = (method: AuthenticationMethod, proofs: readonly Proof[]): boolean =>
  authenticationMethods[method].needs !== null && !proofs.some((proof) => methodsFor(proof).includes(method))
