/** Revocations: what has been cut off, and cutting off all that was issued until now. */

import { credentialSubject, type RevocationKind } from '@sallyport/protocol'
import { Type } from 'typebox'
import { listCredentials } from '../../store/credentials.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { findRevocation, pageOfRevocations, type Revocation, revoke } from '../../store/revocations.ts'
import { type From, list, type Page, type Target, type Written, write } from '../operation.ts'
import { closed, Instant, OrNull } from '../shapes.ts'
import { findApp } from './apps.ts'
import { findOrganization } from './organizations.ts'
import { findTenant } from './tenants.ts'

const RevocationShape = Type.Object(
  {
    kind: Type.Enum(['tenant', 'organization', 'app', 'credential', 'user', 'token', 'key']),
    /** An id of that kind; of an app its client id, of a credential that and its id, of a token its jti or digest. */
    subject: Type.String(),
    /** Tokens issued until then are dead. */
    issued_until: Instant,
    /** Of a single token its own end. */
    expires_at: OrNull(Instant),
  },
  closed,
)

const show = ({ kind, subjectId, issuedUntil, expiresAt }: Revocation) => ({
  ...{ kind, subject: subjectId, issued_until: issuedUntil, expires_at: expiresAt },
})

const pageFrom = ({ after, limit }: Page) => ({
  limit,
  after: after === undefined ? undefined : (JSON.parse(after) as [RevocationKind, string]),
})

const keyOf = ({ kind, subject }: ReturnType<typeof show>): string => JSON.stringify([kind, subject])

type Subject = Pick<Revocation, 'kind' | 'subjectId'>
type Found = Target & { readonly subject: Subject }

async function findAppSubject(params: { readonly tenant: string; readonly app: string }, from: From) {
  const found = await findApp(params, from)
  return found && { ...found, subject: { kind: 'app' as const, subjectId: found.row.clientId } }
}

async function findCredentialSubject(
  params: { readonly tenant: string; readonly app: string; readonly credential: string },
  from: From,
): Promise<Found | null> {
  const { tenant, app, credential } = params
  const found = await findApp(params, from)
  // Looked for without an app too: the time must not tell whether another organization has it.
  const credentials = await listCredentials(from, tenant, app)
  if (found === null || !credentials.some(({ id }) => id === credential)) return null
  const subject = { kind: 'credential' as const, subjectId: credentialSubject(app, credential) }
  return { place: found.place, name: `credential ${app} ${credential}`, subject }
}

async function findOrganizationSubject(
  params: { readonly tenant: string; readonly organization: string },
  from: From,
): Promise<Found | null> {
  const found = await findOrganization(params, from)
  return found && { ...found, subject: { kind: 'organization', subjectId: found.row.id } }
}

async function findTenantSubject(params: { readonly tenant: string }, from: From): Promise<Found | null> {
  const found = await findTenant(params, from)
  return found && { ...found, subject: { kind: 'tenant', subjectId: params.tenant } }
}

/** Known to this server or not: tokens may speak for people of whom it has no row. */
async function findUserSubject(
  params: { readonly tenant: string; readonly user: string },
  from: From,
): Promise<Found | null> {
  const found = await findTenant(params, from)
  return found && { ...found, name: `user ${params.user}`, subject: { kind: 'user', subjectId: params.user } }
}

interface Cutting {
  readonly params: { readonly tenant: string }
  readonly target: { readonly subject: Subject }
}

/** An earlier cut-off that lies ahead stays, and is what is shown. */
async function cut(
  { params: { tenant }, target: { subject } }: Cutting,
  tx: WriteTransaction,
): Promise<Written> {
  await revoke(tx, tenant, subject)
  const revocation = await findRevocation(tx, tenant, subject)
  if (revocation === null) throw new Error(`Revocation of ${subject.subjectId} was saved and is gone.`)
  return { body: show(revocation) }
}

const shown = {
  ...{ kind: 'app', subject: '5f0c2b7e9a1d4c3b8e6f7a90', issued_until: 1_800_000_000, expires_at: null },
}

const cutting = {
  method: 'POST',
  status: 201,
  permission: 'revoke_tokens',
  output: RevocationShape,
  example: { answer: shown },
} as const

export const revocationOperations = [
  list({
    id: 'listRevocations',
    command: 'revocations list',
    path: '/tenants/{tenant}/revocations',
    about: 'Everything that is cut off in a tenant, as long as a token that it hits may live.',
    permission: 'read_revocations',
    output: RevocationShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant } }, page, from) =>
      (await pageOfRevocations(from, tenant, pageFrom(page))).map(show),
    keyOf,
  }),
  list({
    id: 'listRevocationsOfOrganization',
    command: 'organizations revocations',
    path: '/tenants/{tenant}/organizations/{organization}/revocations',
    about: 'What is cut off of one organization, its apps and their credentials.',
    permission: 'read_revocations',
    output: RevocationShape,
    example: { answer: shown },
    find: findOrganization,
    run: async ({ params: { tenant, organization: organizationId } }, page, from) =>
      (await pageOfRevocations(from, tenant, { ...pageFrom(page), organizationId })).map(show),
    keyOf,
  }),
  write({
    ...cutting,
    id: 'revokeTokensOfTenant',
    command: 'revocations tenant',
    path: '/tenants/{tenant}/revocations',
    about: 'Cut off every token that a tenant has issued until now.',
    find: findTenantSubject,
    run: cut,
  }),
  write({
    ...cutting,
    id: 'revokeTokensOfOrganization',
    command: 'revocations organization',
    path: '/tenants/{tenant}/organizations/{organization}/revocations',
    about: 'Cut off every token that the apps of an organization have got until now.',
    find: findOrganizationSubject,
    run: cut,
  }),
  write({
    ...cutting,
    id: 'revokeTokensOfApp',
    command: 'revocations app',
    path: '/tenants/{tenant}/apps/{app}/revocations',
    about: 'Cut off every token that an app has got until now; what it asks for next is good.',
    find: findAppSubject,
    run: cut,
  }),
  write({
    ...cutting,
    id: 'revokeTokensOfCredential',
    command: 'revocations credential',
    path: '/tenants/{tenant}/apps/{app}/credentials/{credential}/revocations',
    about: 'Cut off every token that was got with one credential until now.',
    find: findCredentialSubject,
    run: cut,
  }),
  write({
    ...cutting,
    id: 'revokeTokensOfUser',
    command: 'revocations user',
    path: '/tenants/{tenant}/users/{user}/revocations',
    about: 'Cut off every token that speaks for a user, by its sub, until now.',
    find: findUserSubject,
    run: cut,
  }),
]
