/** Where the token endpoint is below its issuer; clients name it in proofs and old assertions as well. */

export const tokenPath = '/oauth2/token'
