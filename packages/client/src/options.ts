/** What a client can be told, and that it fits together: everything wrong is said in one message. */

import type * as oauth from 'oauth4webapi'
import type { GivenEffects } from './effects.ts'
import { refuse } from './errors.ts'

export interface KeyPair {
  readonly privateKey: oauth.CryptoKey
  readonly publicKey: oauth.CryptoKey
}

export interface ClientOptions extends GivenEffects {
  /** URL of the authorization server; the rest is found in its metadata (RFC 8414). */
  readonly issuer?: string | undefined
  /** The token endpoint, for servers without metadata. With `issuer` beside it nothing is looked up. */
  readonly tokenUrl?: string | undefined
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

export function checkOptions(options: ClientOptions): void {
  const problems = rules.flatMap(([isBroken, sentence]) => (isBroken(options) ? [sentence] : []))
  if (problems.length > 0) refuse('ERR_INVALID_ARG_VALUE', `createClient: ${problems.join('; ')}`)
}

const isSecure = (url: string | undefined): boolean =>
  url === undefined || (URL.canParse(url) && new URL(url).protocol === 'https:')

const rules: readonly (readonly [(options: ClientOptions) => boolean, string])[] = [
  [({ clientId }) => !clientId, 'clientId is missing'],
  [({ issuer, tokenUrl }) => !issuer && !tokenUrl, 'issuer is missing (or tokenUrl)'],
  [({ issuer }) => !isSecure(issuer), 'issuer is not an https URL'],
  [({ tokenUrl }) => !isSecure(tokenUrl), 'tokenUrl is not an https URL'],
  [
    ({ clientSecret, privateKey, clientCertificate }) => !clientSecret && !privateKey && !clientCertificate,
    'clientSecret is missing (or privateKey, or clientCertificate)',
  ],
  [
    // RFC 6749 §2.3: one method in a request.
    ({ clientSecret, privateKey }) => Boolean(clientSecret && privateKey),
    'clientSecret and privateKey are both given',
  ],
  [
    ({ clientCertificate, fetch }) => Boolean(clientCertificate && !fetch),
    'clientCertificate needs a fetch that shows the certificate',
  ],
]
