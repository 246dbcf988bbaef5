/**
 * The client authentication methods: what each is called, what an app must hold for it, and where it may be used. How
 * each is proven stands in `oauth/client-auth/`, one file a method.
 */

export type CredentialKind = 'secret' | 'public_key' | 'certificate' | 'federation'

interface MethodFacts {
  /** What the app must hold; null for a public client. */
  readonly needs: CredentialKind | null
  /** RFC 8414 §2: whether metadata lists it; a name of our own would mean nothing to a client. */
  readonly isStandard: boolean
  /** FAPI 2.0 Security Profile §5.3.2.1: nothing that the server could replay. */
  readonly isFapi: boolean
  /** RFC 8414 §2: whether metadata must list the algorithms of its assertions. */
  readonly isAssertion: boolean
}

const table = {
  // RFC 6749 §2.3.1
  client_secret_basic: { needs: 'secret', isStandard: true, isFapi: false, isAssertion: false },
  client_secret_post: { needs: 'secret', isStandard: true, isFapi: false, isAssertion: false },
  // OpenID Connect Core §9, RFC 7523 §2.2
  client_secret_jwt: { needs: 'secret', isStandard: true, isFapi: false, isAssertion: true },
  private_key_jwt: { needs: 'public_key', isStandard: true, isFapi: true, isAssertion: true },
  // RFC 8705 §2
  tls_client_auth: { needs: 'certificate', isStandard: true, isFapi: true, isAssertion: false },
  self_signed_tls_client_auth: { needs: 'certificate', isStandard: true, isFapi: true, isAssertion: false },
  // A token of an outside issuer as the assertion (RFC 7521 §4.2, where the issuer is a third party).
  federation: { needs: 'federation', isStandard: false, isFapi: false, isAssertion: false },
  // RFC 6749 §2.1
  none: { needs: null, isStandard: false, isFapi: false, isAssertion: false },
} as const satisfies Record<string, MethodFacts>

export type AuthenticationMethod = keyof typeof table

export const authenticationMethods: Readonly<Record<AuthenticationMethod, MethodFacts>> = table

export const authenticationMethodNames = Object.keys(table) as [
  AuthenticationMethod,
  ...AuthenticationMethod[],
]

// A public client is one only by name (RFC 6749 §2.1), and every other proof needs more than a secret.
export const defaultAuthenticationMethods: readonly AuthenticationMethod[] = [
  'client_secret_basic',
  'client_secret_post',
]
