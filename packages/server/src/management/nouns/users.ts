/** Users: the people of a tenant. What they may do is said by memberships. */

import { type Static, Type } from 'typebox'
import { findAppByClientId } from '../../store/apps.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { listMembershipsIn } from '../../store/memberships.ts'
import {
  addUser,
  findUser,
  findUserByEmail,
  listUsers,
  removeUser,
  type UserRecord,
  updateUser,
} from '../../store/users.ts'
import type { Caller } from '../caller.ts'
import { explained } from '../explained.ts'
import { refuseStronger } from '../giving.ts'
import { lostMemberships } from '../lost-memberships.ts'
import { newId } from '../new-id.ts'
import { type From, list, read, type Target, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { closed, Instant, Name } from '../shapes.ts'
import { findTenant } from './tenants.ts'

/** RFC 9700 §4.15: the prefix keeps users and clients apart, whose ids both become the `sub` of tokens. */
const UserId = Type.String({
  pattern: '^usr_[A-Za-z0-9_-]{1,60}$',
  description: 'usr_ and 1 to 60 letters, digits, - and _',
})

/** ASCII alone: in other scripts lower-casing makes one address of two, and so one person's account another's. */
export const Email = Type.String({
  pattern: '^[!-?A-~]{1,64}@[!-?A-~]{1,189}$',
  description: 'an e-mail address in ASCII, without blanks',
})

const words = {
  id: ['The id, which becomes the `sub` of tokens', 'made up'],
  email: ['The address, which no other user of the tenant has'],
  name: ['What people call the user'],
  disabled: ['Whether the user is shut out: the tokens that speak for it are then dead at once', '`false`'],
} as const
const settable = explained({ email: Email, name: Name, disabled: Type.Optional(Type.Boolean()) }, words)
const NewUser = Type.Object({ ...explained({ id: Type.Optional(UserId) }, words), ...settable }, closed)
const ChangedUser = Type.Object(settable, closed)
const UserShape = Type.Object({
  ...{ id: UserId, ...settable, disabled: Type.Boolean() },
  ...{ created_at: Instant, updated_at: Instant },
})

const show = (row: UserRecord) => ({
  ...{ id: row.id, email: row.email, name: row.name, disabled: row.disabledAt !== null },
  ...{ created_at: row.createdAt, updated_at: row.updatedAt },
})

type InUser = { readonly tenant: string; readonly user: string }

export async function findUserOf(
  { tenant, user }: InUser,
  from: From,
): Promise<(Target & { readonly value: ReturnType<typeof show>; readonly row: UserRecord }) | null> {
  const row = await findUser(from, tenant, user)
  const place = { tenantId: tenant, organizationId: null }
  return row && { place, name: `user ${row.id}`, value: show(row), row }
}

async function shownOf(tx: WriteTransaction, tenantId: string, id: string) {
  const row = await findUser(tx, tenantId, id)
  if (row === null) throw new Error(`User ${id} was saved and is gone.`)
  return show(row)
}

async function refuseTakenId(tx: WriteTransaction, tenantId: string, id: string): Promise<void> {
  if ((await findUser(tx, tenantId, id)) !== null)
    refuseWith('conflict', { detail: `There is a user ${id} in this tenant.` })
  // A blueprint may have named a client so.
  if ((await findAppByClientId(tx, tenantId, id)) !== null)
    refuseWith('conflict', { detail: `${id} is the client id of an app in this tenant.` })
}

async function refuseTakenEmail(tx: WriteTransaction, tenantId: string, email: string, id: string) {
  const other = await findUserByEmail(tx, tenantId, email)
  if (other !== null && other.id !== id)
    refuseWith('conflict', { detail: `The e-mail address is that of user ${other.id}.` })
}

async function create(
  tx: WriteTransaction,
  tenantId: string,
  id: string,
  { email: written, name, disabled = false }: Static<typeof ChangedUser>,
) {
  const email = written.toLowerCase()
  await refuseTakenId(tx, tenantId, id)
  await refuseTakenEmail(tx, tenantId, email, id)
  await addUser(tx, tenantId, { id, email, name, disabledAt: disabled ? tx.now : null })
  return shownOf(tx, tenantId, id)
}

/** A new address is a new way in, so this too is for those who may do all that the user may. */
async function update(
  tx: WriteTransaction,
  caller: Caller,
  tenantId: string,
  row: UserRecord,
  { email: written, name, disabled = false }: Static<typeof ChangedUser>,
) {
  const email = written.toLowerCase()
  await refuseStrongerUser(tx, caller, tenantId, row.id)
  await refuseTakenEmail(tx, tenantId, email, row.id)
  const disabledAt = disabled ? (row.disabledAt ?? tx.now) : null
  await updateUser(tx, tenantId, { id: row.id, email, name, disabledAt })
  return shownOf(tx, tenantId, row.id)
}

async function refuseStrongerUser(tx: WriteTransaction, caller: Caller, tenantId: string, id: string) {
  await refuseStronger(tx, caller, await listMembershipsIn(tx, tenantId, `user ${id}`))
}

const example = { email: 'ada@globex.example', name: 'Ada Lovelace' }
const shown = {
  ...{ id: 'usr_5f0c2b7e9a1d4c3b8e6f7a90', ...example, disabled: false },
  ...{ created_at: 1_800_000_000, updated_at: 1_800_000_000 },
}

export const userOperations = [
  list({
    id: 'listUsers',
    command: 'users list',
    path: '/tenants/{tenant}/users',
    about: 'The people of a tenant, in order of id, or the one with an e-mail address.',
    permission: 'read_people',
    query: Type.Object({ email: Type.Optional(Email) }),
    output: UserShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant }, query: { email } }, { after, limit }, from) => {
      const query = { limit, ...(after !== undefined && { after }) }
      const sought = email === undefined ? query : { ...query, email: email.toLowerCase() }
      return (await listUsers(from, tenant, sought)).map(show)
    },
    keyOf: (item) => item.id,
  }),
  read({
    id: 'readUser',
    command: 'users show',
    path: '/tenants/{tenant}/users/{user}',
    about: 'One person.',
    permission: 'read_people',
    output: UserShape,
    example: { answer: shown },
    find: findUserOf,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createUser',
    command: 'users create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/users',
    about: 'Make a user, who belongs nowhere yet; the id is made up unless you give one.',
    permission: 'manage_users',
    body: NewUser,
    output: UserShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findTenant,
    async run({ params: { tenant }, body: { id: given, ...body } }, tx, { effects }) {
      const id = given ?? newId('usr', effects.random)
      const made = await create(tx, tenant, id, body)
      return { body: made, location: `/tenants/${tenant}/users/${id}`, name: `user ${id}` }
    },
  }),
  write({
    id: 'updateUser',
    command: 'users update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/users/{user}',
    about:
      'Change a user who may do no more than you; disabled, the tokens that speak for it are dead at once.',
    permission: 'manage_users',
    body: ChangedUser,
    output: UserShape,
    problems: ['conflict'],
    example: { body: { disabled: true }, answer: { ...shown, disabled: true } },
    find: findUserOf,
    run: async ({ params: { tenant }, body, target: { row }, caller }, tx) => ({
      body: await update(tx, caller, tenant, row, body),
    }),
  }),
  write({
    id: 'removeUser',
    command: 'users remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/users/{user}',
    about: 'Remove a user who may do no more than you, with its memberships; its tokens are dead at once.',
    permission: 'manage_users',
    output: null,
    example: { answer: null },
    find: findUserOf,
    async run({ params: { tenant, user }, target: { value }, caller }, tx) {
      const lost = await listMembershipsIn(tx, tenant, `user ${user}`)
      await refuseStronger(tx, caller, lost)
      await removeUser(tx, tenant, user)
      return { body: null, ...lostMemberships(tenant, value, lost), after: null }
    },
  }),
]
