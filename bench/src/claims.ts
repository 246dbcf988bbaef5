/** The one token every contestant issues: its issuer, audience, scope, lifetime and extra claims, and the reply it comes in. */
export const issuer = 'https://bench.example/bench'
export const audience = 'https://api.bench.example'
export const scope = 'orders:read orders:write'
export const accessTokenSeconds = 3600

/** Claims beyond RFC 9068's own, as a tenant's claim template would add them. */
export const extraClaims = {
  org_id: 'org_01J8Z5Q4T9V6M2X7',
  org_name: 'Example Logistics GmbH',
  plan: 'standard',
  environment: 'live',
} as const

/** RFC 9068 §2.2: the claims of a JWT access token, fresh for each request. */
export function tokenClaims(clientId: string, jti: string, now: number): Record<string, unknown> {
  return {
    iss: issuer,
    sub: clientId,
    aud: audience,
    client_id: clientId,
    scope,
    iat: now,
    exp: now + accessTokenSeconds,
    jti,
    ...extraClaims,
  }
}

/** RFC 6749 §5.1: the members of a successful answer, in the order most servers write them. */
export function tokenReply(accessToken: string): string {
  return `{"access_token":"${accessToken}","token_type":"Bearer","expires_in":${accessTokenSeconds},"scope":"${scope}"}`
}

/** RFC 6749 §5.1: a reply that holds a token must not be stored. */
export function replyHeaders(bodyBytes: number): string[] {
  return [
    'Content-Type',
    'application/json;charset=UTF-8',
    'Cache-Control',
    'no-store',
    'Pragma',
    'no-cache',
    'Content-Length',
    String(bodyBytes),
  ]
}
