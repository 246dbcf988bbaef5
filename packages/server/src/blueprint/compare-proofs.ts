/** Whether a stored credential still proves what its declaration says, and in which words it does not. */

import { originOf } from '../keys/imported/origin.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { CredentialVerifier } from '../store/blueprint-rows.ts'
import { type Difference, findDifferences } from './differences.ts'
import { formOfFormat, formWords } from './proof.ts'
import type { Declared, ResolvedProof } from './rows.ts'
import type { ResolvedSecret } from './secret-source.ts'

export interface ProofDifference {
  readonly isReplaced: boolean
  /** For people; nothing of a secret or a key. */
  readonly notes: readonly string[]
  readonly differences?: readonly Difference[]
}

export const sameProof: ProofDifference = { isReplaced: false, notes: [] }

type SecretProof = Extract<ResolvedProof, { readonly form: 'secret' }>
type PublicProof = Exclude<ResolvedProof, { readonly form: 'secret' }>

export function compareProofs(
  { proof, tenantId }: Declared<'credential'>,
  stored: CredentialVerifier,
  hasher: Pick<SecretHasher, 'compute'>,
): ProofDifference {
  const before = formOfFormat(stored.format)
  if (before !== proof.form)
    return { isReplaced: true, notes: [`${formWords[before]} replaced by ${nameOf(proof)}`] }
  if (proof.form !== 'secret') return comparePublic(proof, stored)
  return isSameSecret(proof.secret, stored, tenantId, hasher)
    ? compareSealing(proof, stored)
    : { isReplaced: true, notes: ['secret replaced'] }
}

const nameOf = (proof: ResolvedProof): string =>
  proof.form === 'secret' && proof.secret.kind === 'generated'
    ? 'a generated secret'
    : `a ${formWords[proof.form]}`

function comparePublic({ form, verifier }: PublicProof, stored: CredentialVerifier): ProofDifference {
  if (verifier.equals(stored.verifier)) return sameProof
  const note = `${formWords[form]} replaced`
  return { isReplaced: true, notes: [note], differences: publicDifferences(form, stored.verifier, verifier) }
}

/** What a key is made of tells nobody anything, and a URL may hold a token of somebody else; names and rules are shown. */
function publicDifferences(
  form: PublicProof['form'],
  before: Uint8Array,
  after: Uint8Array,
): readonly Difference[] {
  if (form !== 'certificate' && form !== 'federation') return []
  const read = (verifier: Uint8Array) => ({ [form]: JSON.parse(Buffer.from(verifier).toString()) })
  return findDifferences(read(before), read(after))
}

function compareSealing({ secret, isSealed }: SecretProof, stored: CredentialVerifier): ProofDifference {
  const wasSealed = stored.sealedSecret !== null
  if (isSealed === wasSealed) return sameProof
  const note = isSealed ? 'secret sealed for client_secret_jwt' : 'sealed secret forgotten'
  const staysAsItIs = secret.kind === 'hash' || (secret.kind === 'kept' && isSealed)
  return staysAsItIs ? sameProof : { isReplaced: false, notes: [note] }
}

function isSameSecret(
  secret: ResolvedSecret,
  stored: CredentialVerifier,
  tenantId: string,
  hasher: Pick<SecretHasher, 'compute'>,
): boolean {
  // Generated once: whatever stands there is what its owner was given.
  if (secret.kind === 'generated' || secret.kind === 'kept') return true
  if (secret.kind === 'hash') return isOfHash(secret, stored, tenantId, hasher)
  if (stored.format !== 'hmac-sha256' || stored.pepperVersion === null) return false
  const computed = hasher.compute(stored.pepperVersion, tenantId, stored.clientId, secret.secret.reveal())
  return computed !== null && computed.compare(stored.verifier) === 0
}

/** The hash itself, or what has become of it on the first use of its secret. */
function isOfHash(
  { format, verifier }: Extract<ResolvedSecret, { readonly kind: 'hash' }>,
  stored: CredentialVerifier,
  tenantId: string,
  hasher: Pick<SecretHasher, 'compute'>,
): boolean {
  const { clientId, pepperVersion, origin } = stored
  if (stored.format === format) return verifier.equals(stored.verifier)
  if (origin === null || pepperVersion === null) return false
  return originOf(hasher, pepperVersion, { tenantId, clientId, format, verifier })?.equals(origin) ?? false
}
