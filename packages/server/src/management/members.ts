/** Who can belong somewhere: users of the tenant, and apps of the system tenant. How the API spells and names them. */

import { Type } from 'typebox'
import { findAppByClientId } from '../store/apps.ts'
import { findUser } from '../store/users.ts'
import { systemTenantId } from './authorize.ts'
import type { From } from './operation.ts'

export const Member = Type.String({
  pattern: '^(?:user:usr_[A-Za-z0-9_-]{1,60}|app:[!-9;-~]{1,200})$',
  description: 'user: and the id of a user, or app: and the client id of an app of the system tenant',
})

/** Stored with a blank, as actors are; in paths and bodies with a colon. */
export const storedMember = (text: string): string => text.replace(':', ' ')

export const shownMember = (member: string): string => member.replace(' ', ':')

interface Named {
  readonly name: string
  /** Null for apps. */
  readonly email: string | null
}

/** Null where there is nobody of that name. */
export async function findMember(from: From, tenantId: string, member: string): Promise<Named | null> {
  const id = member.slice(member.indexOf(' ') + 1)
  if (member.startsWith('user ')) return findUser(from, tenantId, id)
  const app = await findAppByClientId(from, systemTenantId, id)
  return app && { name: app.name, email: null }
}
