/** What a registered app proves itself with: made, kept and taken away as its metadata says. */

import { type AuthenticationMethod, authenticationMethods } from '../../apps/authentication-methods.ts'
import { isRegisteredCredentialId, registeredCredentialId } from '../../apps/registered-credential.ts'
import type { WantedApp } from '../../apps/registration.ts'
import { addSecret } from '../../apps/secrets.ts'
import { formOfFormat } from '../../blueprint/proof.ts'
import type { ResolvedProof } from '../../blueprint/rows.ts'
import type { AppEntry, TenantEntry } from '../../blueprint/schema.ts'
import type { AppRecord } from '../../store/apps.ts'
import { addCredential, disableCredential } from '../../store/credential-terms.ts'
import {
  type CredentialRecord,
  listCredentials,
  listProofs,
  removeCredential,
  type StoredProof,
} from '../../store/credentials.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { checkCredentialCount } from '../bounds.ts'
import type { OperationDeps } from '../operation.ts'
import { checkBeside, resolveProof } from '../proofs.ts'
import { refuseMetadata } from './refusals.ts'
import { disabledCredentials } from './registered.ts'

export interface Proving {
  readonly tx: WriteTransaction
  readonly entry: TenantEntry
  readonly row: AppRecord
  readonly wanted: WantedApp
  /** Null for an app that is being made. */
  readonly methodBefore: WantedApp['method'] | null
}

type KnownProof = Exclude<ResolvedProof, { readonly form: 'secret' }>

interface Proof extends StoredProof {
  /** What people have added beside is theirs to take away. */
  readonly isOwn: boolean
}

/** Management refuses such a name to people, and a blueprint that gives one says so in the row. */
async function proofsOf({ tx, entry, row: { clientId } }: Proving): Promise<readonly Proof[]> {
  const rows = await listCredentials(tx, entry.id, clientId)
  const declared = new Set(rows.filter(({ blueprint }) => blueprint !== null).map(({ id }) => id))
  const proofs = await listProofs(tx, entry.id, clientId)
  return proofs.map((proof) => ({
    ...proof,
    isOwn: isRegisteredCredentialId(proof.id) && !declared.has(proof.id),
  }))
}

const isSecret = ({ format }: StoredProof): boolean => formOfFormat(format) === 'secret'

/** Trust row 153. Before the transaction, because names are looked up. */
export async function checkKeyPlaces(
  { proofs }: WantedApp,
  { findReachable }: Pick<OperationDeps, 'findReachable'>,
): Promise<void> {
  const urls = proofs.flatMap((proof) => ('jwks_uri' in proof ? [proof.jwks_uri] : []))
  const good = await findReachable(urls)
  if (!urls.every((url) => good.has(url)))
    refuseMetadata('jwks_uri: must be on a public host that can be found in DNS.')
}

/** The new secret, where there is one. */
export async function settleCredentials(proving: Proving, deps: OperationDeps): Promise<string | null> {
  const { tx, entry, row } = proving
  const stored = await proofsOf(proving)
  await settleProofs(proving, stored, deps)
  const secret = await settleSecret(proving, stored, deps)
  await checkCredentialCount(tx, entry.id, row.clientId)
  return secret
}

/** Those that go do so first: a key that comes again under its `kid` is no second one. */
async function settleProofs(proving: Proving, stored: readonly Proof[], deps: OperationDeps): Promise<void> {
  const { tx, entry, row } = proving
  const wanted = await resolveAll(proving)
  const before = stored.filter((proof) => !isSecret(proof))
  await endAll(
    proving,
    before.filter((one) => one.isOwn && !wanted.some((proof) => isSame(one, proof))),
  )
  const disabled = await disabledCredentials(tx, entry.id, row.clientId)
  const good = before.filter(({ id }) => !disabled.has(id))
  for (const proof of wanted.filter((one) => !good.some((stored) => isSame(stored, one)))) {
    await checkBeside(tx, entry.id, row.clientId, proof)
    const { format, verifier } = proof
    await addCredential(tx, entry.id, row.clientId, {
      ...{
        id: registeredCredentialId(deps.effects.random),
        format,
        verifier,
        pepperVersion: null,
        expiresAt: null,
      },
    })
  }
}

async function resolveAll({ entry, row, wanted }: Proving): Promise<readonly KnownProof[]> {
  const app = { ...(row.settings as object), id: row.id, name: row.name } as AppEntry
  const resolved: KnownProof[] = []
  for (const source of wanted.proofs) {
    const proof = await resolveProof(entry, app, { id: 'registered', ...source })
    if (proof.form !== 'secret') resolved.push(proof)
  }
  return resolved
}

const isSame = (one: Pick<StoredProof, 'format' | 'verifier'>, { format, verifier }: KnownProof): boolean =>
  one.format === format && verifier.equals(one.verifier)

/** A secret is made when the app comes to need one; for MACs it must be kept in another way than the one before. */
async function settleSecret(proving: Proving, stored: readonly Proof[], deps: OperationDeps) {
  const { tx, entry, row, wanted, methodBefore: before } = proving
  const needs = authenticationMethods[wanted.method].needs === 'secret'
  const isKept = before !== null && (before === wanted.method || wanted.method !== 'client_secret_jwt')
  if (needs && isKept) return null
  const own = stored.filter((one) => one.isOwn && isSecret(one))
  if (before !== null && authenticationMethods[before].needs === 'secret')
    await checkSecretStays(proving, before, own)
  await endAll(proving, own)
  if (!needs) return null
  const terms = { tenantId: entry.id, environment: entry.environment, app: row, expiresAt: null }
  const secretDeps = { ...deps, random: deps.effects.random }
  return (
    await addSecret(tx, { ...terms, credentialId: registeredCredentialId(deps.effects.random) }, secretDeps)
  ).clientSecret
}

/** Who had its secret taken away would otherwise make itself another, or a key in its place (decision 0024). */
async function checkSecretStays(
  { tx, entry, row }: Proving,
  method: AuthenticationMethod,
  own: readonly StoredProof[],
): Promise<void> {
  const credentials = await listCredentials(tx, entry.id, row.clientId)
  const isLasting = ({ id, disabledAt, expiresAt }: CredentialRecord) =>
    disabledAt === null && expiresAt === null && own.some((one) => one.id === id)
  if (!credentials.some(isLasting))
    refuseMetadata(
      `token_endpoint_auth_method: must be ${method}. The secret of this client was taken away or given an end: ask whoever runs this server.`,
    )
}

/** What people have switched off or given an end stays, switched off: removed it could be registered once more, and last. */
async function endAll({ tx, entry, row }: Proving, gone: readonly StoredProof[]): Promise<void> {
  const { clientId } = row
  const credentials = await listCredentials(tx, entry.id, clientId)
  for (const { id, disabledAt, expiresAt } of credentials.filter((one) =>
    gone.some(({ id }) => id === one.id),
  ))
    if (disabledAt === null && expiresAt === null) await removeCredential(tx, entry.id, clientId, id)
    else if (disabledAt === null) await disableCredential(tx, entry.id, clientId, id, true)
}
