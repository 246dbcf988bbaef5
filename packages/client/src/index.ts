/** What a program installs that calls an API: see docs/client-library.md. */

export { type Client, createClient } from './client.ts'
export type { FetchFunction } from './effects.ts'
export { type Failure, type OwnErrorCode, TokenRequestError } from './errors.ts'
export { importPrivateKey, type KeyAlgorithm } from './import-private-key.ts'
export type { ClientOptions, KeyPair } from './options.ts'
export type { AccessToken } from './token.ts'
