/** An app as the token endpoint sees it: an OAuth client with its credentials. */

import { hash } from 'node:crypto'
import { oncePer } from '@sallyport/protocol'
import type { ClientRecord } from '../store/apps.ts'
import { type CompiledAppSettings, compileAppSettings } from './app-settings.ts'
import { type CredentialFormat, kindOfFormat } from './credential-formats.ts'

export type Credential = ClientRecord['credentials'][number]

export interface Client {
  readonly clientId: string
  /** Another one after each change of the client that this process has heard of: nothing made before it is used again. */
  readonly edition: number
  /** The name its makers gave it. */
  readonly id: string
  readonly name: string
  readonly organizationId: string
  readonly isDisabled: boolean
  readonly settings: CompiledAppSettings
  readonly credentials: readonly Credential[]
  /** Those of the credentials that are secrets, of whatever format. */
  readonly secrets: readonly Credential[]
  /** As they are stored. */
  readonly texts: { readonly settings: string; readonly credentials: string }
}

export const compileClient = (record: ClientRecord, edition = 0): Client => ({
  clientId: record.clientId,
  edition,
  id: record.id,
  name: record.name,
  organizationId: record.organizationId,
  isDisabled: record.disabledAt !== null,
  settings: compileAppSettings(record.settings),
  credentials: record.credentials,
  secrets: record.credentials.every(isSecret) ? record.credentials : record.credentials.filter(isSecret),
  texts: { settings: record.settings, credentials: record.credentialsText },
})

/**
 * The same for two readings of a client that has not changed in between, and for no other: with many apps a client is read
 * again and again, and what was made for one reading is as good for the next.
 */
export const contentOf = oncePer(
  ({ clientId, id, name, organizationId, isDisabled, texts }: Client): string =>
    hash(
      'sha256',
      JSON.stringify([clientId, id, name, organizationId, isDisabled, texts.settings, texts.credentials]),
      'base64url',
    ),
)

/** Whether two readings of a client can be proven by the same and by nothing else. */
export const provesAlike = ({ texts: one }: Client, { texts: other }: Client): boolean =>
  one.credentials === other.credentials && one.settings === other.settings

/** Whose doing it is what the client has us fetch and keep, where tenants share the room for it. */
export const ownerOf = (tenantId: string, { organizationId }: Client): string =>
  `${tenantId}/${organizationId}`

const isSecret = ({ format }: Credential): boolean => kindOfFormat(format) === 'secret'

export const credentialsOf = (client: Client, format: CredentialFormat): readonly Credential[] =>
  client.credentials.filter((credential) => credential.format === format)

/** A credential is dead on its expiry, not one second later. */
export const isUsable = (credential: Credential, now: number): boolean =>
  credential.disabledAt === null && (credential.expiresAt === null || now < credential.expiresAt)
