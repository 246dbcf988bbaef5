/** The credentials that an app declares, with what they name in files and the environment read, in the form that is stored. */

import { type Jwk, jwkThumbprintInput } from '@sallyport/protocol'
import { compileName, nameKinds } from '../certificates/names.ts'
import { FederationRule } from '../federation/rule.ts'
import type { Blueprint } from './blueprint.ts'
import { readCertificateText } from './certificates.ts'
import { keyFault, shortestSecretOf } from './check-algorithms.ts'
import { instantOf } from './check-dates.ts'
import type { Fault, Path, Problem } from './problem.ts'
import { formWords, type Proof, proofOf } from './proof.ts'
import { readJwk, readKeyText } from './public-key.ts'
import type { Declared, ResolvedProof } from './rows.ts'
import {
  type AppEntry,
  CertificateSource,
  type PublicKeySource,
  pickSettings,
  type TenantEntry,
} from './schema.ts'
import { readNamedFile, resolveSecret, type SecretEffects } from './secret-source.ts'

export interface Declaring {
  readonly blueprint: Blueprint
  readonly tenant: TenantEntry
  readonly effects: SecretEffects
  readonly problems: Problem[]
}

/** What is asked of the proofs of one app. */
interface OfApp extends Declaring {
  readonly app: AppEntry
}

export async function declareCredentials(
  declaring: Declaring,
  appAddress: string,
  app: AppEntry,
  appPath: Path,
): Promise<Declared<'credential'>[]> {
  const { blueprint, tenant } = declaring
  const rows: Declared<'credential'>[] = []
  for (const [index, entry] of (app.credentials ?? []).entries()) {
    const path = [...appPath, 'credentials', index]
    const source = proofOf(entry)
    const proof = source && (await resolveProof({ ...declaring, app }, source, [...path, source.form]))
    if (!proof) continue
    const { id, expires_at: day } = entry
    const expiresAt = day === undefined ? null : instantOf(day)
    rows.push({
      blueprint,
      tenantId: tenant.id,
      noun: 'credential',
      address: `${appAddress}/${id}`,
      path,
      proof,
      fields: { id, appId: app.id, expires_at: expiresAt },
      settings: {},
    })
  }
  checkDistinct(declaring, rows)
  return rows
}

async function resolveProof(ofApp: OfApp, proof: Proof, path: Path): Promise<ResolvedProof | null> {
  const { blueprint, problems } = ofApp
  if (proof.form === 'secret') return resolveSecretProof(ofApp, proof.source, path)
  const read = await readProof(ofApp, proof)
  if (typeof read === 'string') {
    const format = proof.form === 'public_key' ? 'jwk' : proof.form
    return { form: proof.form, format, verifier: Buffer.from(read) }
  }
  problems.push(blueprint.source.problem(path, read.found, read.expected))
  return null
}

async function resolveSecretProof(
  { app, tenant, ...declaring }: OfApp,
  source: Extract<Proof, { readonly form: 'secret' }>['source'],
  path: Path,
): Promise<ResolvedProof | null> {
  const secret = await resolveSecret(source, { ...declaring, path, shortest: shortestSecretOf(tenant, app) })
  const isSealed = app.client_authentication?.includes('client_secret_jwt') ?? false
  return secret && { form: 'secret', secret, isSealed }
}

/** The text that is stored: of JSON the members in one order, so that equal proofs are equal bytes. */
function readProof(
  ofApp: OfApp,
  proof: Exclude<Proof, { readonly form: 'secret' }>,
): Promise<string | Fault> | string | Fault {
  switch (proof.form) {
    case 'public_key':
      return readKey(ofApp, proof.source)
    case 'jwks_uri':
      return proof.source
    case 'certificate':
      return readCertificate(ofApp, proof.source)
    case 'federation':
      return formatRule(proof.source)
  }
}

const unreadable = (expected: string): Fault => ({ found: 'a file that cannot be read', expected })

async function readKey(
  { blueprint, tenant, app, effects }: OfApp,
  source: PublicKeySource,
): Promise<string | Fault> {
  const { from_file: file } = source
  const text = typeof file === 'string' ? await readNamedFile(blueprint, file, effects) : undefined
  if (file !== undefined && text === undefined) return unreadable('a JWK or a PEM public key')
  const reading = text === undefined ? readJwk(source) : readKeyText(text)
  if ('found' in reading) return reading
  return keyFault(reading.jwk, tenant, app) ?? formatJwk(reading.jwk)
}

const formatJwk = ({ kty, crv, x, y, n, e, kid, alg }: Jwk): string =>
  JSON.stringify({ kty, crv, x, y, n, e, kid, alg })

async function readCertificate(
  { blueprint, effects }: OfApp,
  source: CertificateSource,
): Promise<string | Fault> {
  if (source.from_file === undefined) return JSON.stringify(pickSettings(CertificateSource, source))
  const text = await readNamedFile(blueprint, source.from_file, effects)
  if (text === undefined) return unreadable('one certificate in PEM')
  const read = readCertificateText(text)
  return 'found' in read ? read : JSON.stringify(read)
}

function formatRule(rule: FederationRule): string {
  const { claims, ...others } = pickSettings(FederationRule, rule)
  const sorted = claims && Object.fromEntries(Object.entries(claims).toSorted(byName))
  return JSON.stringify({ ...others, claims: sorted })
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) =>
  one < other ? -1 : 1

/** Which of two credentials with one key was used, nobody could say, and taking one away would not end it. */
function checkDistinct({ blueprint, problems }: Declaring, rows: readonly Declared<'credential'>[]): void {
  const seen = new Map<string, string | number | undefined>()
  for (const { proof, path } of rows) {
    if (proof.form === 'secret') continue
    for (const [mark, what] of marksOf(proof)) {
      const before = seen.get(mark)
      if (before === undefined) seen.set(mark, path.at(-1))
      else
        problems.push(
          blueprint.source.problem(
            [...path, proof.form],
            `${what} of credentials[${before}]`,
            'one of its own',
          ),
        )
    }
  }
}

/** What no two credentials of an app may share, and what to call it. */
export function marksOf({
  form,
  verifier,
}: Exclude<ResolvedProof, { readonly form: 'secret' }>): readonly (readonly [string, string])[] {
  const text = verifier.toString()
  if (form === 'public_key') {
    const jwk = JSON.parse(text) as Jwk
    const key = [`key ${jwkThumbprintInput(jwk)}`, 'the public key'] as const
    return jwk.kid === undefined ? [key] : [key, [`kid ${jwk.kid}`, 'the kid']]
  }
  if (form === 'certificate') return [[`certificate ${canonicalCertificate(text)}`, 'the certificate']]
  return [[`${form} ${text}`, `the ${formWords[form]}`]]
}

function canonicalCertificate(text: string): string {
  const [[member = '', value = ''] = []] = Object.entries(JSON.parse(text) as Record<string, string>)
  const kind = nameKinds.find((name) => name === member)
  return `${member} ${kind ? compileName(kind, value).canonical : value}`
}
