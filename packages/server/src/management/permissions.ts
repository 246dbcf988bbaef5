/** What can be allowed, and the roles that every tenant has. A permission is also the scope that a token needs for it. */

/** Where a permission can be given: by a role in the whole server, in a tenant, or in one organization of it. */
export type Reach = 'server' | 'tenant' | 'organization'

interface PermissionTerms {
  readonly about: string
  /** The narrowest membership that can bring it. */
  readonly reach: Reach
}

export const permissions = {
  read_tenants: { about: 'See a tenant and how it is set', reach: 'tenant' },
  manage_tenants: { about: 'Change a tenant, its hosts, dialect and policies', reach: 'tenant' },
  create_tenants: { about: 'Make and remove tenants', reach: 'server' },
  read_apis: { about: 'See APIs, scopes and endpoints', reach: 'organization' },
  manage_apis: { about: 'Change APIs, scopes and endpoints', reach: 'tenant' },
  read_plans: { about: 'See plans', reach: 'organization' },
  manage_plans: { about: 'Change plans', reach: 'tenant' },
  read_organizations: { about: 'See organizations and their plans', reach: 'organization' },
  manage_organizations: { about: 'Make, change and remove organizations', reach: 'tenant' },
  read_people: { about: 'See users, memberships, invitations and roles', reach: 'organization' },
  manage_people: { about: 'Invite people and say what they may do', reach: 'organization' },
  manage_users: { about: 'Make, change and remove users of a tenant', reach: 'tenant' },
  manage_roles: { about: 'Make roles of a tenant', reach: 'tenant' },
  read_apps: { about: 'See apps and their credentials, never a secret', reach: 'organization' },
  manage_apps: { about: 'Make, change, disable and remove apps', reach: 'organization' },
  grant_app_privileges: {
    about:
      'Give apps what an organization cannot give itself: scopes beyond its plan, introspection, token exchange',
    reach: 'tenant',
  },
  manage_api_credentials: {
    about: 'Make, rotate and remove credentials of apps',
    reach: 'organization',
  },
  request_keys: { about: 'Ask the provider for keys', reach: 'organization' },
  decide_key_requests: { about: 'Approve and refuse requests for keys', reach: 'tenant' },
  read_signing_keys: { about: 'See signing keys, never a private one', reach: 'tenant' },
  manage_signing_keys: { about: 'Rotate signing keys', reach: 'tenant' },
  read_revocations: { about: 'See what has been cut off', reach: 'organization' },
  revoke_tokens: {
    about: 'Cut off all tokens of an app, a credential or an organization',
    reach: 'organization',
  },
  read_audit: { about: 'Read what was done and by whom', reach: 'tenant' },
} as const satisfies Record<string, PermissionTerms>

export type Permission = keyof typeof permissions

export const permissionNames = Object.keys(permissions) as readonly Permission[]

export const isPermission = (name: string): name is Permission => Object.hasOwn(permissions, name)

/** The names in order, so that a role is told the same however it was written. */
export const inOrder = (names: Iterable<string>): readonly Permission[] => {
  const wanted = new Set(names)
  return permissionNames.filter((name) => wanted.has(name))
}

interface RoleTerms {
  readonly name: string
  readonly permissions: readonly Permission[]
}

const readings = permissionNames.filter((name) => name.startsWith('read_'))
const ofOrganization = permissionNames.filter((name) => permissions[name].reach === 'organization')
const ofTenant = permissionNames.filter((name) => permissions[name].reach !== 'server')

/** They cannot be changed, and no role of a tenant may take their names. */
export const builtInRoles = {
  operator: { name: 'Operator', permissions: permissionNames },
  tenant_admin: { name: 'Tenant admin', permissions: ofTenant },
  staff: {
    name: 'Staff',
    permissions: inOrder([...readings, 'manage_apps', 'decide_key_requests', 'revoke_tokens']),
  },
  auditor: { name: 'Auditor', permissions: readings },
  // 002-04: the first admin of an organization may manage its credentials.
  organization_admin: { name: 'Organization admin', permissions: ofOrganization },
  api_credentials_manager: {
    name: 'Manage api credentials',
    permissions: inOrder(['read_apps', 'read_apis', 'read_organizations', 'manage_api_credentials']),
  },
  developer: {
    name: 'Developer',
    permissions: inOrder(['read_apps', 'read_apis', 'read_plans', 'read_organizations', 'request_keys']),
  },
} as const satisfies Record<string, RoleTerms>

export type BuiltInRole = keyof typeof builtInRoles

export const isBuiltInRole = (id: string): id is BuiltInRole => Object.hasOwn(builtInRoles, id)
