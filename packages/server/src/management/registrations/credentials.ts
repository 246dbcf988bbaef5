/** What a registered app proves itself with: made, kept and taken away as its metadata says. */

import { authenticationMethods } from '../../apps/authentication-methods.ts'
import type { WantedApp } from '../../apps/registration.ts'
import { addSecret } from '../../apps/secrets.ts'
import { formOfFormat } from '../../blueprint/proof.ts'
import type { ResolvedProof } from '../../blueprint/rows.ts'
import type { AppEntry, TenantEntry } from '../../blueprint/schema.ts'
import type { AppRecord } from '../../store/apps.ts'
import { addCredential, disableCredential } from '../../store/credential-terms.ts'
import { listCredentials, listProofs, removeCredential, type StoredProof } from '../../store/credentials.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { checkCredentialCount } from '../bounds.ts'
import type { OperationDeps } from '../operation.ts'
import { checkBeside, resolveProof } from '../proofs.ts'
import { checkReachable } from '../reachable.ts'
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

// What people have added beside is theirs to take away.
const prefix = 'registered-'
const isRegistered = ({ id }: StoredProof): boolean => id.startsWith(prefix)
const isSecret = ({ format }: StoredProof): boolean => formOfFormat(format) === 'secret'

/** The new secret, where there is one. */
export async function settleCredentials(proving: Proving, deps: OperationDeps): Promise<string | null> {
  const { tx, entry, row } = proving
  const stored = await listProofs(tx, entry.id, row.clientId)
  await settleProofs(proving, stored, deps)
  const secret = await settleSecret(proving, stored, deps)
  await checkCredentialCount(tx, entry.id, row.clientId)
  return secret
}

/** Those that go do so first: a key that comes again under its `kid` is no second one. */
async function settleProofs(
  proving: Proving,
  stored: readonly StoredProof[],
  deps: OperationDeps,
): Promise<void> {
  const { tx, entry, row } = proving
  const wanted = await resolveAll(proving, deps)
  const before = stored.filter((proof) => !isSecret(proof))
  await endAll(
    proving,
    before.filter((one) => isRegistered(one) && !wanted.some((proof) => isSame(one, proof))),
  )
  const disabled = await disabledCredentials(tx, entry.id, row.clientId)
  const good = before.filter(({ id }) => !disabled.has(id))
  for (const proof of wanted.filter((one) => !good.some((stored) => isSame(stored, one)))) {
    await checkBeside(tx, entry.id, row.clientId, proof)
    const { format, verifier } = proof
    await addCredential(tx, entry.id, row.clientId, {
      ...{ id: newId(deps), format, verifier, pepperVersion: null, expiresAt: null },
    })
  }
}

async function resolveAll(
  { entry, row, wanted }: Proving,
  deps: OperationDeps,
): Promise<readonly KnownProof[]> {
  const app = { ...(row.settings as object), id: row.id, name: row.name } as AppEntry
  const resolved: KnownProof[] = []
  for (const source of wanted.proofs) {
    if ('jwks_uri' in source) checkReachable({ '/jwks_uri': source.jwks_uri }, deps)
    const proof = await resolveProof(entry, app, { id: 'registered', ...source })
    if (proof.form !== 'secret') resolved.push(proof)
  }
  return resolved
}

const isSame = (one: Pick<StoredProof, 'format' | 'verifier'>, { format, verifier }: KnownProof): boolean =>
  one.format === format && verifier.equals(one.verifier)

/** A secret is made when the app comes to need one; for MACs it must be kept in another way than the one before. */
async function settleSecret(proving: Proving, stored: readonly StoredProof[], deps: OperationDeps) {
  const { tx, entry, row, wanted, methodBefore: before } = proving
  const needs = authenticationMethods[wanted.method].needs === 'secret'
  const isKept = before !== null && (before === wanted.method || wanted.method !== 'client_secret_jwt')
  if (needs && isKept) return null
  await endAll(
    proving,
    stored.filter((one) => isRegistered(one) && isSecret(one)),
  )
  if (!needs) return null
  const terms = { tenantId: entry.id, environment: entry.environment, app: row, expiresAt: null }
  const secretDeps = { ...deps, random: deps.effects.random }
  return (await addSecret(tx, { ...terms, credentialId: newId(deps) }, secretDeps)).clientSecret
}

/** What people have switched off or given an end stays, switched off: removed it could be registered once more, and last. */
async function endAll({ tx, entry, row }: Proving, gone: readonly StoredProof[]): Promise<void> {
  const { clientId } = row
  const credentials = await listCredentials(tx, entry.id, clientId)
  const limited = credentials.filter(({ disabledAt, expiresAt }) => disabledAt !== null || expiresAt !== null)
  for (const { id } of gone)
    if (limited.some((one) => one.id === id)) await disableCredential(tx, entry.id, clientId, id, true)
    else await removeCredential(tx, entry.id, clientId, id)
}

const newId = ({ effects }: OperationDeps): string =>
  `${prefix}${Buffer.from(effects.random(4)).toString('hex')}`
