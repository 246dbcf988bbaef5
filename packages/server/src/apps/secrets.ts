/** The secrets of an app over time: one more beside the others, the others' end, and what each of them is now. */

import { formatClientSecret } from '@sallyport/protocol'
import { sealSecret } from '../keys/sealed-secret.ts'
import type { Sealer } from '../keys/sealing.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { AppRecord } from '../store/apps.ts'
import { addCredential, setExpiry } from '../store/credential-terms.ts'
import { type CredentialRecord, listCredentials } from '../store/credentials.ts'
import type { WriteTransaction } from '../store/database.ts'
import { authenticationMethods, defaultAuthenticationMethods } from './authentication-methods.ts'
import { kindOfFormat } from './credential-formats.ts'
import type { AppSettings } from './settings.ts'

export interface SecretDeps {
  readonly hasher: Pick<SecretHasher, 'hash'>
  readonly sealer: Sealer
  readonly random: (bytes: number) => Uint8Array
}

export interface NewSecret {
  readonly tenantId: string
  readonly environment: 'test' | 'live'
  readonly app: Pick<AppRecord, 'clientId' | 'settings'>
  /** Left out, one is made. */
  readonly credentialId?: string | undefined
  readonly expiresAt: number | null
}

/** A clear secret, on its only way out. */
export interface MadeSecret {
  readonly credentialId: string
  readonly clientId: string
  readonly clientSecret: string
  readonly expiresAt: number | null
}

const methodsOf = (settings: unknown) =>
  (settings as AppSettings).client_authentication ?? defaultAuthenticationMethods

/** Whether the app may use a secret at all. */
export const takesSecrets = ({ settings }: Pick<AppRecord, 'settings'>): boolean =>
  methodsOf(settings).some((method) => authenticationMethods[method].needs === 'secret')

/** Throws `StoreConflict` for an id that the app has already. */
export async function addSecret(
  tx: WriteTransaction,
  { tenantId, environment, app, credentialId, expiresAt }: NewSecret,
  { hasher, sealer, random }: SecretDeps,
): Promise<MadeSecret> {
  const { clientId } = app
  const id = credentialId ?? `secret-${Buffer.from(random(4)).toString('hex')}`
  const clientSecret = formatClientSecret(environment, random(32))
  const isSealed = methodsOf(app.settings).includes('client_secret_jwt')
  const place = { tenantId, clientId, credentialId: id }
  const sealedSecret = isSealed ? sealSecret(sealer, place, clientSecret) : null
  const hashed = hasher.hash(tenantId, clientId, clientSecret)
  await addCredential(tx, tenantId, clientId, { ...hashed, id, sealedSecret, expiresAt })
  return { credentialId: id, clientId, clientSecret, expiresAt }
}

export interface RotatedSecret {
  readonly made: MadeSecret
  /** Those that were good until now, with the end they have. */
  readonly ending: readonly { readonly credential: CredentialRecord; readonly expiresAt: number }[]
}

/** A new secret, and an end for every other good one of the app; who ends sooner anyway keeps that end. */
export async function rotateSecret(
  tx: WriteTransaction,
  secret: NewSecret,
  overlapSeconds: number,
  deps: SecretDeps,
): Promise<RotatedSecret> {
  const { tenantId, app } = secret
  const end = tx.now + overlapSeconds
  const live = (await listCredentials(tx, tenantId, app.clientId)).filter(
    (credential) => kindOfFormat(credential.format) === 'secret' && standingOf(credential, tx.now) === 'good',
  )
  const made = await addSecret(tx, secret, deps)
  const ending = live.map((credential) => ({
    credential,
    expiresAt: Math.min(end, credential.expiresAt ?? end),
  }))
  const ids = ending.filter(({ expiresAt }) => expiresAt === end).map(({ credential }) => credential.id)
  await setExpiry(tx, tenantId, app.clientId, ids, end)
  return { made, ending }
}

/** For the audit chain: which credentials a rotation ends, and when they would have ended without it. */
export const endsOf = ({ ending }: RotatedSecret) => ({
  before: { ends: ending.map(({ credential: { id, expiresAt } }) => ({ id, expires_at: expiresAt })) },
  after: { ends: ending.map(({ credential: { id }, expiresAt }) => ({ id, expires_at: expiresAt })) },
})

export type Standing = 'good' | 'expired' | 'disabled' | 'quarantined'

/** What a credential is worth now. */
export function standingOf(
  { disabledAt, exposedAt, expiresAt }: Pick<CredentialRecord, 'disabledAt' | 'exposedAt' | 'expiresAt'>,
  now: number,
): Standing {
  if (disabledAt !== null) return exposedAt === null ? 'disabled' : 'quarantined'
  return expiresAt !== null && now >= expiresAt ? 'expired' : 'good'
}
