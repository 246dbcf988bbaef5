/** The names that claim, header and response templates may use; a name ending in `.*` opens a map of attributes. */

export const headerVariables = ['alg', 'kid'] as const

export const claimVariables = [
  'issuer',
  'client_id',
  'subject',
  'audience',
  'scope',
  'scopes',
  'iat',
  'exp',
  'jti',
  'expires_in',
  'credential_id',
  'grant_type',
  'tenant.id',
  'tenant.environment',
  'app.id',
  'app.name',
  'app.attributes.*',
  'organization.id',
  'organization.name',
  'organization.attributes.*',
  'plan.id',
] as const

/** Those of them that each token has a value for; the others may be without one. */
export const certainVariables: ReadonlySet<string> = new Set([
  ...['issuer', 'client_id', 'subject', 'audience', 'scopes', 'iat', 'exp', 'jti', 'expires_in'],
  ...['tenant.id', 'tenant.environment', 'app.id', 'app.name', 'organization.id', 'organization.name'],
])

export const responseVariables = ['access_token', 'token_type', ...claimVariables] as const
