/** Which tokens this API takes, and where what they open is declared. */

import type { GuardOptions } from '@sallyport/guard'

export const tokenPlatform = {
  audience: 'https://developers.token-project.eu',
  // Endpoints, scopes and limits are those that the tenant declares; openapi.yaml tells them to people.
  endpoints: 'issuer',
  tokens: {
    type: 'jwt',
    // Tokens of this platform never end by themselves: deleting the app ends them, and the guard hears of it.
    acceptMissing: ['kid', 'iss', 'exp', 'jti'],
    claimNames: { clientId: 'sub' },
  },
} as const satisfies Partial<GuardOptions>
