/** Invitations: how people come to belong to a tenant or an organization. The token that accepts one is shown once. */

import { createHash } from 'node:crypto'
import { generateIdentifier } from '@sallyport/protocol'
import { type Static, Type } from 'typebox'
import type { WriteTransaction } from '../../store/database.ts'
import {
  addInvitation,
  findInvitation,
  findOpenInvitation,
  type InvitationRecord,
  listInvitations,
  removeInvitation,
} from '../../store/invitations.ts'
import { identifierBytes } from '../../tenants/client-id-shape.ts'
import { checkInvitationCount } from '../bounds.ts'
import { afterByTime, keyByTime } from '../by-time.ts'
import type { Caller } from '../caller.ts'
import { explained } from '../explained.ts'
import { checkChange, checkRoles } from '../giving.ts'
import { newId } from '../new-id.ts'
import { type From, list, type OperationDeps, read, type Written, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, Instant, OrNull } from '../shapes.ts'
import { findPlace, type InPlace, type PeoplePlace, RoleIds } from './memberships.ts'
import { Email } from './users.ts'

const defaultSeconds = 604_800

const NewInvitation = Type.Object(
  explained(
    {
      ...{ email: Email, roles: RoleIds },
      expires_in_seconds: Type.Optional(
        Type.Integer({
          minimum: 60,
          maximum: 2_592_000,
          description: 'whole seconds, 60 to 2592000 (30 days); 604800 (7 days) unless given',
        }),
      ),
    },
    {
      email: ['Who is invited'],
      roles: ['What they may do there once they accept'],
      expires_in_seconds: ['How long the invitation is good'],
    },
  ),
  closed,
)
const InvitationShape = Type.Object({
  ...{ id: Type.String(), organization: OrNull(Type.String()), email: Email },
  roles: Type.Array(Type.String()),
  ...{ expires_at: Instant, accepted_at: OrNull(Instant), created_at: Instant },
  /** In the one answer that made it: whoever shows it accepts. */
  token: Type.Optional(Type.String()),
})

const show = (row: InvitationRecord) => ({
  ...{ id: row.id, organization: row.organizationId, email: row.email, roles: row.roles },
  ...{ expires_at: row.expiresAt, accepted_at: row.acceptedAt, created_at: row.createdAt },
})

/** Under a tenant are those of its organizations too, as with apps. */
async function findWhole(params: InPlace & { readonly invitation: string }, from: From) {
  const found = await findPlace(params, from)
  const row = found && (await findInvitation(from, params.tenant, params.invitation))
  if (!row || (params.organization !== undefined && row.organizationId !== params.organization)) return null
  return { place: found.place, name: `invitation ${row.id}`, value: show(row), row }
}

/** 256 bits, and a prefix by which scanners know it for a secret. */
const newToken = (random: (bytes: number) => Uint8Array): string =>
  `sp_invite_${generateIdentifier(random(identifierBytes), { length: 43, alphabet: 'alphanumeric' })}`

/** What is kept of a token. */
const digestOfInvitation = (token: string): Uint8Array => createHash('sha256').update(token).digest()

async function invite(
  tx: WriteTransaction,
  caller: Caller,
  place: PeoplePlace,
  {
    email: written,
    roles: wanted,
    expires_in_seconds: seconds = defaultSeconds,
  }: Static<typeof NewInvitation>,
  { effects: { random } }: OperationDeps,
): Promise<Written> {
  const { tenantId, organizationId } = place
  const email = written.toLowerCase()
  const roles = await checkRoles(tx, place, wanted)
  await checkChange(tx, caller, place, [], roles)
  await refuseSecond(tx, place, email)
  await checkInvitationCount(tx, place)
  const id = newId('inv', random)
  const token = newToken(random)
  const terms = { id, organizationId, email, roles, expiresAt: tx.now + seconds }
  await addInvitation(tx, tenantId, { ...terms, digest: digestOfInvitation(token) })
  return written201(place, show({ ...terms, acceptedAt: null, createdAt: tx.now }), token)
}

/** Two would be two ways in, of which only one is seen to be used. */
async function refuseSecond(
  tx: WriteTransaction,
  { tenantId, organizationId }: PeoplePlace,
  email: string,
): Promise<void> {
  const open = await findOpenInvitation(tx, tenantId, organizationId, email)
  if (open !== null)
    refuseWith('conflict', {
      detail: `Invitation ${open.id} of ${email} is still open. If its token is lost, remove it first.`,
    })
}

/** The answer shows the token, the audit chain does not. */
function written201(
  { tenantId, organizationId }: PeoplePlace,
  after: ReturnType<typeof show>,
  token: string,
) {
  const root = organizationId === null ? '' : `/organizations/${organizationId}`
  return {
    body: { ...after, token },
    after,
    location: `/tenants/${tenantId}${root}/invitations/${after.id}`,
    name: `invitation ${after.id}`,
    isSecret: true,
  }
}

/** Whoever could not give the roles cannot take them back from whom somebody stronger has invited. */
async function withdraw(tx: WriteTransaction, caller: Caller, tenantId: string, row: InvitationRecord) {
  const place = { tenantId, organizationId: row.organizationId }
  await checkChange(tx, caller, place, row.roles, [])
  await removeInvitation(tx, tenantId, row.id)
}

const example = { email: 'ada@globex.example', roles: ['organization_admin'] }
const shown = {
  ...{ id: 'inv_5f0c2b7e9a1d4c3b8e6f7a90', organization: 'globex', ...example },
  ...{ expires_at: 1_800_604_800, accepted_at: null, created_at: 1_800_000_000 },
}

type Root = '/tenants/{tenant}' | '/tenants/{tenant}/organizations/{organization}'

/** The same of a tenant with all its organizations, and of one organization. */
const operationsAt = (root: Root, suffix: string, command: string, whose: string, listed: string) => [
  list({
    id: `listInvitations${suffix}`,
    command: `${command} list`,
    path: `${root}/invitations`,
    about: `Who is invited to ${listed}; accepted and expired ones stand there too.`,
    permission: 'read_people',
    output: InvitationShape,
    example: { answer: shown },
    find: findPlace,
    run: async ({ target: { place } }, page, from) => {
      const organizationId = place.organizationId ?? undefined
      const query = { limit: page.limit, after: afterByTime(page), organizationId }
      return (await listInvitations(from, place.tenantId, query)).map(show)
    },
    keyOf: keyByTime,
  }),
  read({
    id: `readInvitation${suffix}`,
    command: `${command} show`,
    path: `${root}/invitations/{invitation}`,
    about: `One invitation to ${listed}, never its token.`,
    permission: 'read_people',
    output: InvitationShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: `createInvitation${suffix}`,
    command: `${command} create`,
    method: 'POST',
    status: 201,
    path: `${root}/invitations`,
    about: `Invite somebody to ${whose}, in roles of permissions that you hold there; the token is shown in this one answer.`,
    permission: 'manage_people',
    body: NewInvitation,
    output: InvitationShape,
    problems: ['conflict', 'secret_shown_once'],
    example: { body: example, answer: { ...shown, token: 'sp_invite_… (shown once)' } },
    find: findPlace,
    run: ({ target: { place }, body, caller }, tx, deps) => invite(tx, caller, place, body, deps),
  }),
  write({
    id: `removeInvitation${suffix}`,
    command: `${command} remove`,
    method: 'DELETE',
    status: 204,
    path: `${root}/invitations/{invitation}`,
    about: `Take an invitation to ${listed} back: its token is good for nothing any more.`,
    permission: 'manage_people',
    output: null,
    example: { answer: null },
    find: findWhole,
    async run({ params: { tenant }, target: { row }, caller }, tx) {
      await withdraw(tx, caller, tenant, row)
      return { body: null, after: null }
    },
  }),
]

export const invitationOperations = [
  ...operationsAt(
    '/tenants/{tenant}',
    '',
    'invitations',
    'a tenant as a whole',
    'a tenant or its organizations',
  ),
  ...operationsAt(
    '/tenants/{tenant}/organizations/{organization}',
    'OfOrganization',
    'organization-invitations',
    'an organization',
    'an organization',
  ),
]
