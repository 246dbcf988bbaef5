/** Which tokens this API takes, and where what they open is declared. */

import type { GuardOptions } from '@sallyport/guard'

export const nxtsoftPlatform = {
  audience: 'https://api.nxtsoft.example',
  // Endpoints, scopes and limits are those that the tenant declares; openapi.yaml tells them to people.
  endpoints: 'issuer',
  tokens: {
    // The tokens name an issuer on another host than the one that makes them.
    issuer: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_u566WmrPK',
    // They have no audience, so nothing but the scope says that they are for this API: each endpoint has one.
    acceptMissing: ['typ', 'aud'],
    require: { token_use: 'access' },
  },
} as const satisfies Partial<GuardOptions>
