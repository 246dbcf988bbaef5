/** Who the caller is to this server: what a command line or a portal asks first. */

import { Type } from 'typebox'
import { read, serverPlace } from '../operation.ts'
import { OrNull } from '../shapes.ts'

const MembershipShape = Type.Object({
  tenant: Type.String(),
  organization: OrNull(Type.String()),
  roles: Type.Array(Type.String()),
  permissions: Type.Array(Type.String()),
})

export const meOperations = [
  read({
    id: 'readMe',
    command: 'me',
    path: '/me',
    about: 'Who you are here, where you belong, and what you may do there.',
    permission: null,
    output: Type.Object({
      actor: Type.String(),
      scopes: Type.Array(Type.String()),
      memberships: Type.Array(MembershipShape),
    }),
    example: {
      answer: {
        actor: 'app 5f0c2b7e9a1d4c3b8e6f7a90',
        scopes: ['read_apps'],
        memberships: [{ tenant: 'acme', organization: null, roles: ['auditor'], permissions: ['read_apps'] }],
      },
    },
    find: async () => ({ place: serverPlace, name: 'me' }),
    run: async ({ caller }) => ({
      actor: caller.actor,
      scopes: [...caller.scopes],
      memberships: caller.memberships.map(({ tenantId, organizationId, roles, permissions }) => ({
        ...{ tenant: tenantId, organization: organizationId, roles, permissions },
      })),
    }),
  }),
]
