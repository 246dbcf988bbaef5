/** What a client can be told. */

import type * as oauth from 'oauth4webapi'
import type { GivenEffects } from './effects.ts'

export interface KeyPair {
  readonly privateKey: oauth.CryptoKey
  readonly publicKey: oauth.CryptoKey
}

export interface ClientOptions extends GivenEffects {
  /** URL of the authorization server; the rest is found in its metadata (RFC 8414). */
  readonly issuer?: string | undefined
  /** The token endpoint, for servers without metadata. With `issuer` beside it nothing is looked up. */
  readonly tokenUrl?: string | undefined
  /** As the server names the app in requests: what `sallyport apply` printed, not the app's id in the blueprint. */
  readonly clientId: string
  readonly clientSecret?: string | undefined
  /** Where the secret is sent: `header` is `client_secret_basic`, `body` is `client_secret_post`. */
  readonly secretIn?: 'header' | 'body' | undefined
  /** `private_key_jwt`. With a `kid` if several keys are registered. */
  readonly privateKey?: oauth.CryptoKey | oauth.PrivateKey | undefined
  /** `fetch` shows a client certificate; alone it proves who asks, beside a secret or key it is what tokens are bound to. */
  readonly clientCertificate?: boolean | undefined
  /** Names with one blank between them. Left out, the server decides. */
  readonly scope?: string | undefined
  /** The API that the token is for, as its URL (RFC 8707). */
  readonly resource?: string | undefined
  /** The same, by the name that the server knows it by. */
  readonly audience?: string | undefined
  /** Where the token may be sent. Left out: the origin of `resource`, or of `audience` where that is a URL. */
  readonly origins?: readonly string[] | undefined
  /** Binds tokens to a key (RFC 9449): one made here, that cannot be read out, or one of yours. */
  readonly dpop?: boolean | KeyPair | undefined
  /** Told of renewals that failed while the token in use was still good. */
  readonly onRenewalFailed?: ((error: unknown) => void) | undefined
}
