/**
 * Whether options are what they may be: every one is in the table, whatever is not is refused by its name, and so is what
 * contradicts itself. All problems at once, so that nobody mends one at a start.
 */

import { decodeBase64url } from '@sallyport/protocol'
import type { ApiCredentials } from './issuer/ask.ts'
import { readLimit } from './limits-of-endpoints.ts'
import {
  anything,
  type Check,
  callable,
  flag,
  having,
  listOf,
  must,
  objectOf,
  oneOf,
  recordOf,
  scope,
  text,
  wholeNumber,
} from './option-checks.ts'
import { type GuardOptions, GuardOptionsError, isHttpsUrl, proofAlgorithms, resourceOf } from './options.ts'
import type { Endpoint } from './routes/endpoint.ts'
import { routeProblems } from './routes/route-table.ts'
import type { ClaimNames } from './tokens/access.ts'
import { omissible, type TokenProfileOptions } from './tokens/profile.ts'

export function checkOptions(options: GuardOptions): void {
  const problems = [...optionsCheck(options, '')]
  if (isReadable(options)) problems.push(...contradictions(options))
  if (problems.length > 0) throw new GuardOptionsError(`The guard cannot start: ${problems.join('; ')}.`)
}

const httpsUrl = must('an https URL', isHttpsUrl)

const endpointsCheck: Check = (value, at) => {
  if (value === 'issuer') return []
  return Array.isArray(value) ? endpointList(value, at) : [`${at} must be a list of endpoints, or issuer`]
}
const endpointList = listOf(
  objectOf<Endpoint>(
    { method: text, path: text, scope, isPublic: flag, limit: anything },
    ['method', 'path'],
    ['scope', 'limit'],
  ),
)

// RFC 9449 §8: a nonce that others can foresee says nothing of when a proof was made.
const nonces = must(
  'true, or 32 random bytes in base64url',
  (value) =>
    typeof value === 'boolean' || (typeof value === 'string' && decodeBase64url(value)?.length === 32),
)

const cutPrefix = must(
  'a path without a slash at the end, such as /v1',
  (value) => typeof value === 'string' && /^(?:\/[\w.~!$&'()*+,=:@-]+)+$/.test(value),
)

/** The members of an option. */
type Of<Name extends keyof GuardOptions> = NonNullable<GuardOptions[Name]>

const optionsCheck = objectOf<GuardOptions>(
  {
    issuer: httpsUrl,
    // Trust 18: without it a token for any other API of the tenant would open this one.
    audience: must('the `aud` of tokens for this API', (value) => typeof value === 'string' && value !== ''),
    credentials: objectOf<ApiCredentials>({ id: text, secret: text }, ['id', 'secret']),
    resource: httpsUrl,
    tokens: objectOf<TokenProfileOptions>({
      type: text,
      issuer: text,
      acceptMissing: listOf(oneOf(omissible)),
      require: recordOf(must('text', (value) => typeof value === 'string')),
      claimNames: objectOf<ClaimNames>({ clientId: text, subject: text, scope: text, organizationId: text }),
    }),
    introspect: oneOf(['opaque', 'always']),
    endpoints: endpointsCheck,
    unlisted: oneOf(['refuse', 'authenticate']),
    limits: objectOf<Of<'limits'>>({ store: having({ take: callable }), limitOf: callable }, ['store']),
    revocation: objectOf<Of<'revocation'>>({
      whenCut: oneOf(['refuse', 'allow']),
      afterSeconds: wholeNumber(0),
    }),
    senderConstraint: oneOf(['none', 'dpop', 'mtls', 'any']),
    dpop: objectOf<Of<'dpop'>>({
      ...{ nonces, algorithms: listOf(oneOf(proofAlgorithms), 1), cutPrefix },
      proofs: having({ use: callable }),
    }),
    cache: objectOf<Of<'cache'>>({
      tokens: wholeNumber(0),
      introspectionSeconds: wholeNumber(0),
      apps: wholeNumber(0),
    }),
    keys: objectOf<Of<'keys'>>({
      refreshSeconds: wholeNumber(1),
      coolDownSeconds: wholeNumber(0),
      oldestSeconds: wholeNumber(1),
    }),
    onRefusal: callable,
    onRevocationState: callable,
    effects: having({ clock: callable, random: callable, fetch: callable, later: callable }),
    runtime: having({ importKey: callable, sha256: callable }),
  },
  ['issuer', 'audience'],
)

const isReadable = (options: unknown): boolean => typeof options === 'object' && options !== null

/** What may not stand together; of options that may be anything. */
function* contradictions(options: GuardOptions): Iterable<string> {
  const { credentials, introspect, senderConstraint, endpoints } = options
  const hasNone = credentials === undefined
  if (hasNone && introspect !== undefined) yield `introspect: ${String(introspect)} needs credentials`
  if (hasNone && options.revocation !== undefined) yield 'revocation needs credentials'
  if (hasNone && endpoints === 'issuer') yield 'endpoints: issuer needs credentials'
  const needsResource = senderConstraint === 'dpop' || options.dpop !== undefined
  if (needsResource && resourceOf(options) === null) yield 'DPoP needs resource, the URL that clients use'
  const missing = acceptedMissing(options)
  if (hasNone && missing.includes('exp'))
    yield 'acceptMissing: exp needs credentials: a token that never expires ends by its revocation alone'
  const table = tableOf(endpoints)
  // 001-17: what tells APIs apart is then the scope alone.
  if (missing.includes('aud') && table.some((one) => !one.isPublic && !one.scope?.length))
    yield 'with acceptMissing: aud each endpoint needs a scope'
  yield* routeProblems(table)
  if (options.limits !== undefined && options.limits?.limitOf === undefined) yield* limitsThatAreNone(table)
}

const acceptedMissing = ({ tokens }: GuardOptions): readonly unknown[] =>
  Array.isArray(tokens?.acceptMissing) ? tokens.acceptMissing : []

/** Nothing where its lines cannot be read, which has been told. */
function tableOf(endpoints: GuardOptions['endpoints']): readonly Endpoint[] {
  if (!Array.isArray(endpoints)) return []
  const [problem] = endpointsCheck(endpoints, 'endpoints')
  return problem === undefined ? endpoints : []
}

/** Where the guard is to count by them, a limit that it cannot read would be none. */
function* limitsThatAreNone(endpoints: readonly Endpoint[]): Iterable<string> {
  for (const { method, path, limit } of endpoints)
    if (limit !== undefined && readLimit(limit) === null) yield `the limit of ${method} ${path} is none`
}
