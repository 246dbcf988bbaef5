/** Roles: the built-in ones, which every tenant has, and those that a tenant makes for itself. */

import { type Static, Type } from 'typebox'
import type { WriteTransaction } from '../../store/database.ts'
import { listOpenInvitationsWith } from '../../store/invitations.ts'
import { listHolders } from '../../store/memberships.ts'
import { findRoles, type RoleRecord, removeRole, saveRole } from '../../store/roles.ts'
import type { Caller } from '../caller.ts'
import { explained } from '../explained.ts'
import { reachOf, refuseBeyond } from '../giving.ts'
import { type From, list, type Page, type Place, read, write } from '../operation.ts'
import {
  type BuiltInRole,
  builtInRoles,
  inOrder,
  isBuiltInRole,
  type Permission,
  permissionNames,
  permissions,
} from '../permissions.ts'
import { refuseWith } from '../problem.ts'
import { closed, Instant, Name, OrNull } from '../shapes.ts'
import { findTenant } from './tenants.ts'

const RoleId = Type.String({
  pattern: '^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$',
  description: 'lower-case letters, digits and inner hyphens and underscores, 1 to 64 characters',
})
const givable = permissionNames.filter((name) => permissions[name].reach !== 'server')
const words = {
  id: ['Its name in its tenant, by which it is given'],
  name: ['What people call it'],
  permissions: ['What it allows'],
} as const
const settable = explained(
  {
    name: Name,
    permissions: Type.Array(Type.Enum(givable), { minItems: 1, description: 'at least one permission' }),
  },
  words,
)
const NewRole = Type.Object({ ...explained({ id: RoleId }, words), ...settable }, closed)
const ChangedRole = Type.Object(settable, closed)
const RoleShape = Type.Object({
  ...{ id: RoleId, name: Name, permissions: Type.Array(Type.Enum(permissionNames)) },
  built_in: Type.Boolean(),
  /** `organization`: it can be given in an organization too; `server`: only in the system tenant. */
  reach: Type.Enum(['server', 'tenant', 'organization']),
  ...{ created_at: OrNull(Instant), updated_at: OrNull(Instant) },
})
type Shown = Static<typeof RoleShape>

const show = ({ id, name, permissions, createdAt, updatedAt }: RoleRecord): Shown => {
  const held = inOrder(permissions)
  const shown = { id, name, permissions: [...held], built_in: false, reach: reachOf(held) }
  return { ...shown, created_at: createdAt, updated_at: updatedAt }
}

const showBuiltIn = (id: BuiltInRole): Shown => {
  const { name, permissions: held } = builtInRoles[id]
  const shown = { id, name, permissions: [...held], built_in: true, reach: reachOf(held) }
  return { ...shown, created_at: null, updated_at: null }
}

const builtIn = Object.keys(builtInRoles) as readonly BuiltInRole[]

/** The built-in ones in their own order, then the tenant's in order of id. */
async function pageOfRoles(from: From, tenantId: string, { after, limit }: Page): Promise<Shown[]> {
  const own = await findRoles(from, tenantId)
  const rest =
    after !== undefined && !isBuiltInRole(after)
      ? own.filter(({ id }) => id > after).map(show)
      : [
          ...builtIn.slice(after === undefined ? 0 : builtIn.indexOf(after) + 1).map(showBuiltIn),
          ...own.map(show),
        ]
  return rest.slice(0, limit)
}

type InRole = { readonly tenant: string; readonly role: string }

async function findRole({ tenant, role }: InRole, from: From) {
  const found = await findTenant({ tenant }, from)
  const value = found && (isBuiltInRole(role) ? showBuiltIn(role) : await ownRole(from, tenant, role))
  return found && value && { place: found.place, name: `role ${role}`, value }
}

async function ownRole(from: From, tenantId: string, id: string): Promise<Shown | null> {
  const [row] = await findRoles(from, tenantId, [id])
  return row ? show(row) : null
}

async function save(
  tx: WriteTransaction,
  tenantId: string,
  role: { readonly id: string; readonly name: string; readonly permissions: readonly string[] },
): Promise<Shown> {
  await saveRole(tx, tenantId, { ...role, permissions: inOrder(role.permissions) })
  const saved = await ownRole(tx, tenantId, role.id)
  if (saved === null) throw new Error(`Role ${role.id} was saved and is gone.`)
  return saved
}

/** As it is once nobody else can change it. Only of a role of the tenant, and only for who holds all that it brings. */
async function lockOwn(tx: WriteTransaction, caller: Caller, place: Place, id: string): Promise<Shown> {
  const tenantId = place.tenantId ?? ''
  if (isBuiltInRole(id)) refuseWith('conflict', { detail: `${id} is built in, and the same everywhere.` })
  const role = await ownRole(tx, tenantId, id)
  if (role === null) refuseWith('not_found')
  refuseBeyond(caller, place, role.permissions)
  return role
}

/** What a role gains, all who have it gain: in an organization nobody may hold what is for tenants. */
async function refuseInOrganizations(
  tx: WriteTransaction,
  tenantId: string,
  id: string,
  held: readonly Permission[],
): Promise<void> {
  if (reachOf(held) === 'organization') return
  const places = [
    ...(await listHolders(tx, tenantId, id)),
    ...(await listOpenInvitationsWith(tx, tenantId, id)),
  ]
  const inOrganization = places.find(({ organizationId }) => organizationId !== null)
  if (inOrganization)
    refuseWith('conflict', {
      detail: `The role is given in organization ${inOrganization.organizationId}, where not all of these permissions can be held.`,
    })
}

async function refuseInUse(tx: WriteTransaction, tenantId: string, id: string): Promise<void> {
  const holders = (await listHolders(tx, tenantId, id)).length
  const invited = (await listOpenInvitationsWith(tx, tenantId, id)).length
  if (holders + invited > 0)
    refuseWith('conflict', {
      detail: `Memberships that have the role: ${holders}; open invitations: ${invited}. Take it from them first.`,
    })
}

const example = { id: 'support', name: 'Support', permissions: ['read_apps' as const] }
const shown = {
  ...{ ...example, built_in: false, reach: 'organization' },
  ...{ created_at: 1_800_000_000, updated_at: 1_800_000_000 },
}

export const roleOperations = [
  list({
    id: 'listRoles',
    command: 'roles list',
    path: '/tenants/{tenant}/roles',
    about: 'The roles that can be given in a tenant: the built-in ones first, then its own.',
    permission: 'read_people',
    isShared: true,
    output: RoleShape,
    example: { answer: shown },
    find: findTenant,
    run: ({ params: { tenant } }, page, from) => pageOfRoles(from, tenant, page),
    keyOf: (item) => item.id,
  }),
  read({
    id: 'readRole',
    command: 'roles show',
    path: '/tenants/{tenant}/roles/{role}',
    about: 'One role, and what it allows.',
    permission: 'read_people',
    isShared: true,
    output: RoleShape,
    example: { answer: shown },
    find: findRole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createRole',
    command: 'roles create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/roles',
    about: 'Make a role of the tenant, of permissions that you hold there yourself.',
    permission: 'manage_roles',
    body: NewRole,
    output: RoleShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findTenant,
    async run({ params: { tenant }, body, target: { place }, caller }, tx) {
      const { id } = body
      if (isBuiltInRole(id) || (await ownRole(tx, tenant, id)) !== null)
        refuseWith('conflict', { detail: `There is a role ${id}.` })
      refuseBeyond(caller, place, body.permissions)
      const made = await save(tx, tenant, body)
      return { body: made, location: `/tenants/${tenant}/roles/${id}`, name: `role ${id}` }
    },
  }),
  write({
    id: 'updateRole',
    command: 'roles update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/roles/{role}',
    about: 'Change a role of the tenant; whoever has it may do from now on what it says.',
    permission: 'manage_roles',
    body: ChangedRole,
    output: RoleShape,
    problems: ['conflict'],
    example: { body: { name: 'First line' }, answer: { ...shown, name: 'First line' } },
    find: findRole,
    async run({ params: { tenant, role: id }, body, target: { place }, caller }, tx) {
      await lockOwn(tx, caller, place, id)
      refuseBeyond(caller, place, body.permissions)
      await refuseInOrganizations(tx, tenant, id, body.permissions)
      return { body: await save(tx, tenant, { ...body, id }) }
    },
  }),
  write({
    id: 'removeRole',
    command: 'roles remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/roles/{role}',
    about: 'Remove a role of the tenant that nobody has any more.',
    permission: 'manage_roles',
    output: null,
    problems: ['conflict'],
    example: { answer: null },
    find: findRole,
    async run({ params: { tenant, role: id }, target: { place }, caller }, tx) {
      await lockOwn(tx, caller, place, id)
      await refuseInUse(tx, tenant, id)
      await removeRole(tx, tenant, id)
      return { body: null, after: null }
    },
  }),
]
