/** Memberships: who belongs to a tenant or to an organization of it, and in which roles. */

import { type Static, Type } from 'typebox'
import type { WriteTransaction } from '../../store/database.ts'
import {
  findMembership,
  listMembershipsAt,
  listMembershipsIn,
  type MembershipRecord,
  removeMembership,
  saveMembership,
} from '../../store/memberships.ts'
import { permissionsAt } from '../authorize.ts'
import type { Caller } from '../caller.ts'
import { explained } from '../explained.ts'
import { checkChange, checkRoles } from '../giving.ts'
import { refuseLastOperator } from '../last-operator.ts'
import { membershipName } from '../lost-memberships.ts'
import { findMember, Member, shownMember, storedMember } from '../members.ts'
import { type From, list, type Place, read, type Target, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, Instant, OrNull } from '../shapes.ts'
import { findOrganization } from './organizations.ts'
import { findTenant } from './tenants.ts'
import { findUserOf } from './users.ts'

export const RoleIds = Type.Array(Type.String({ description: 'the id of a role' }), {
  minItems: 1,
  description: 'at least one role',
})
const words = {
  member: ['Who is to belong there'],
  roles: ['What the member may do there'],
} as const
const NewMembership = Type.Object(explained({ member: Member, roles: RoleIds }, words), closed)
const ChangedMembership = Type.Object(explained({ roles: RoleIds }, words), closed)
const MembershipShape = Type.Object({
  ...{ member: Member, organization: OrNull(Type.String()), roles: Type.Array(Type.String()) },
  /** Of the member, so that people need not look ids up. */
  ...{ name: OrNull(Type.String()), email: OrNull(Type.String()) },
  ...{ created_at: Instant, updated_at: Instant },
})
type Shown = Static<typeof MembershipShape>

async function show(from: From, row: MembershipRecord): Promise<Shown> {
  return showWith(await findMember(from, row.tenantId, row.member), row)
}

const showWith = (person: Awaited<ReturnType<typeof findMember>>, row: MembershipRecord): Shown => ({
  ...{ member: shownMember(row.member), organization: row.organizationId, roles: [...row.roles] },
  ...{ name: person?.name ?? null, email: person?.email ?? null },
  ...{ created_at: row.createdAt, updated_at: row.updatedAt },
})

const showAll = (from: From, rows: readonly MembershipRecord[]): Promise<Shown[]> =>
  Promise.all(rows.map((row) => show(from, row)))

export type InPlace = { readonly tenant: string; readonly organization?: string }

export interface PeoplePlace extends Place {
  readonly tenantId: string
}

/** The place itself: an organization where the path names one. */
export async function findPlace(
  { tenant, organization }: InPlace,
  from: From,
): Promise<(Target & { readonly place: PeoplePlace }) | null> {
  const found =
    organization === undefined
      ? await findTenant({ tenant }, from)
      : await findOrganization({ tenant, organization }, from)
  const place = { tenantId: tenant, organizationId: organization ?? null }
  return found && { place, name: found.name }
}

async function findWhole(params: InPlace & { readonly member: string }, from: From) {
  const found = await findPlace(params, from)
  const member = storedMember(params.member)
  const row = found && (await findMembership(from, found.place, member))
  // Looked for without a membership too: the time must not tell who has one.
  const person = await findMember(from, params.tenant, member)
  // A blank in the path would be a second spelling of it.
  if (!row || params.member === member) return null
  return { place: found.place, name: membershipName(row), value: showWith(person, row), row }
}

/**
 * In an organization only who sees the people of the whole tenant can name one of them: others would learn who is a customer
 * of somebody else. They invite.
 */
async function checkMember(tx: WriteTransaction, caller: Caller, place: PeoplePlace, member: string) {
  const tenant = { ...place, organizationId: null }
  const isVisible = member.startsWith('app ') || permissionsAt(caller, tenant).has('read_people')
  if (isVisible && (await findMember(tx, place.tenantId, member)) !== null) return
  const expected = 'a user of this tenant whom you may see, or an app of the system tenant'
  refuseWith('invalid_body', { misfits: [{ pointer: '/member', found: 'nobody known here', expected }] })
}

async function save(
  tx: WriteTransaction,
  caller: Caller,
  place: PeoplePlace,
  member: string,
  before: MembershipRecord | null,
  wanted: readonly string[],
): Promise<Shown> {
  const roles = await checkRoles(tx, place, wanted)
  await checkChange(tx, caller, place, before?.roles ?? [], roles)
  if (before !== null) await refuseLastOperator(tx, before, roles)
  await saveMembership(tx, place, member, roles)
  const row = await findMembership(tx, place, member)
  if (row === null) throw new Error(`Membership ${member} was saved and is gone.`)
  return show(tx, row)
}

async function create(
  tx: WriteTransaction,
  caller: Caller,
  place: PeoplePlace,
  { member: written, roles }: Static<typeof NewMembership>,
): Promise<Shown> {
  const member = storedMember(written)
  await checkMember(tx, caller, place, member)
  if ((await findMembership(tx, place, member)) !== null)
    refuseWith('conflict', { detail: `${written} belongs here already; change its roles instead.` })
  return save(tx, caller, place, member, null, roles)
}

/** Between the caller's look and this, somebody may have made it stronger; from now on nobody can. */
async function lockMembership(tx: WriteTransaction, { member, ...place }: MembershipRecord) {
  const row = await findMembership(tx, place, member)
  if (row === null) refuseWith('not_found')
  return row
}

async function remove(tx: WriteTransaction, caller: Caller, row: MembershipRecord): Promise<void> {
  await checkChange(tx, caller, row, row.roles, [])
  await refuseLastOperator(tx, row, [])
  await removeMembership(tx, row, row.member)
}

const example = { member: 'user:usr_5f0c2b7e9a1d4c3b8e6f7a90', roles: ['organization_admin'] }
const shown = {
  ...{ ...example, organization: 'globex', name: 'Ada Lovelace', email: 'ada@globex.example' },
  ...{ created_at: 1_800_000_000, updated_at: 1_800_000_000 },
}

type Root = '/tenants/{tenant}' | '/tenants/{tenant}/organizations/{organization}'

/** The same of a tenant as a whole and of one organization. */
const operationsAt = (root: Root, suffix: string, command: string, whose: string) => [
  list({
    id: `listMemberships${suffix}`,
    command: `${command} list`,
    path: `${root}/memberships`,
    about: `Who belongs to ${whose}, and in which roles.`,
    permission: 'read_people',
    output: MembershipShape,
    example: { answer: shown },
    find: findPlace,
    run: async ({ target: { place } }, { after, limit }, from) => {
      const page = { limit, after: after === undefined ? undefined : storedMember(after) }
      return showAll(from, await listMembershipsAt(from, place, page))
    },
    keyOf: (item) => item.member,
  }),
  read({
    id: `readMembership${suffix}`,
    command: `${command} show`,
    path: `${root}/memberships/{member}`,
    about: `How somebody belongs to ${whose}.`,
    permission: 'read_people',
    output: MembershipShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: `createMembership${suffix}`,
    command: `${command} create`,
    method: 'POST',
    status: 201,
    path: `${root}/memberships`,
    about: `Let a user, or an app of the system tenant, belong to ${whose}; you give no more than you hold there.`,
    permission: 'manage_people',
    body: NewMembership,
    output: MembershipShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findPlace,
    async run({ target: { place }, body, caller }, tx) {
      const made = await create(tx, caller, place, body)
      const name = membershipName({ ...place, member: storedMember(made.member) })
      return { body: made, location: locationOf(place, made.member), name }
    },
  }),
  write({
    id: `updateMembership${suffix}`,
    command: `${command} update`,
    method: 'PATCH',
    status: 200,
    path: `${root}/memberships/{member}`,
    about: `Change the roles that somebody has in ${whose}; you give and take no more than you hold there.`,
    permission: 'manage_people',
    body: ChangedMembership,
    output: MembershipShape,
    problems: ['conflict'],
    example: { body: { roles: ['developer'] }, answer: { ...shown, roles: ['developer'] } },
    find: findWhole,
    async run({ target: { place, row }, body, caller }, tx) {
      const before = await lockMembership(tx, row)
      return { body: await save(tx, caller, place, row.member, before, body.roles) }
    },
  }),
  write({
    id: `removeMembership${suffix}`,
    command: `${command} remove`,
    method: 'DELETE',
    status: 204,
    path: `${root}/memberships/{member}`,
    about: `Let somebody belong to ${whose} no more; you take no more than you hold there.`,
    permission: 'manage_people',
    output: null,
    problems: ['conflict'],
    example: { answer: null },
    find: findWhole,
    async run({ target: { row }, caller }, tx) {
      await remove(tx, caller, await lockMembership(tx, row))
      return { body: null, after: null }
    },
  }),
]

const locationOf = ({ tenantId, organizationId }: PeoplePlace, member: string): string => {
  const root = organizationId === null ? '' : `/organizations/${organizationId}`
  return `/tenants/${tenantId}${root}/memberships/${encodeURIComponent(member)}`
}

export const membershipOperations = [
  ...operationsAt('/tenants/{tenant}', '', 'memberships', 'a tenant as a whole'),
  ...operationsAt(
    '/tenants/{tenant}/organizations/{organization}',
    'OfOrganization',
    'organization-memberships',
    'an organization',
  ),
  list({
    id: 'listMembershipsOfUser',
    command: 'users memberships',
    path: '/tenants/{tenant}/users/{user}/memberships',
    about: 'Where a user belongs: the tenant as a whole first, then organizations.',
    permission: 'read_people',
    output: MembershipShape,
    example: { answer: shown },
    find: findUserOf,
    run: async ({ params: { tenant, user } }, page, from) =>
      showAll(from, await listMembershipsIn(from, tenant, `user ${user}`, page)),
    keyOf: (item) => item.organization ?? '',
  }),
]
