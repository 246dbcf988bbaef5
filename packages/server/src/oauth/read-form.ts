/** From bytes to parameters: the body in the one standard form, or in the forms that the tenant's dialect adds. */

import {
  type Form,
  isEncoded,
  parseForm,
  parseMediaType,
  parseMultipartForm,
  RecentMap,
  refuse,
  requireFormContentType,
} from '@sallyport/protocol'
import type { Dialect, DialectFeature } from '../tenants/dialect.ts'
import { noParameters, type OAuthHttpRequest, type OAuthRequest } from './request.ts'

// RFC 8707 §2: the one parameter of this endpoint that may be repeated.
const repeatable = ['resource']

const isMultipart = (contentType: string | undefined) =>
  contentType !== undefined && parseMediaType(contentType)?.type === 'multipart/form-data'

/** RFC 6749 §3.2 and App. B: form-encoded, in UTF-8, no parameter twice. */
export function readForm(http: OAuthHttpRequest, dialect: Dialect, features: Set<DialectFeature>): Form {
  const { contentType, body } = http
  refuseUnclearBody(http)
  if (dialect.multipart && isMultipart(contentType)) {
    features.add('multipart')
    return parseMultipartForm(body, contentType as string)
  }
  if (body.length === 0 && contentType === undefined && saysGrantElsewhere(http, dialect)) return noParameters
  requireFormContentType(contentType)
  return readBody(body.toString('latin1'))
}

/** What nobody could read in the one right way. */
function refuseUnclearBody({ repeatsContentType, contentEncoding }: OAuthHttpRequest): void {
  if (repeatsContentType) {
    refuse('invalid_request', 'two Content-Type headers', 'The header Content-Type was sent more than once.')
  }
  if (isEncoded(contentEncoding))
    refuse('invalid_request', 'body with a Content-Encoding', 'Send the body without Content-Encoding.')
}

// A client that authenticates in the header sends the same few parameters all day.
const knownBodies = new RecentMap<Form>(1_000)
const longestKnownBody = 300
// Nothing is kept that could hold a secret.
const harmlessNames: ReadonlySet<string> = new Set(['grant_type', 'scope', 'resource', 'audience'])

function readBody(text: string): Form {
  if (text.length > longestKnownBody) return parseForm(text, repeatable)
  const known = knownBodies.get(text)
  if (known) return known
  const form = parseForm(text, repeatable)
  if (form.names.every((name) => harmlessNames.has(name))) knownBodies.set(text, form)
  return form
}

/** A grant type in a header counts here in any dialect, so that whoever put it there is told of just that (000-08). */
const saysGrantElsewhere = (http: OAuthHttpRequest, dialect: Dialect): boolean =>
  dialect.defaultGrantType !== null || http.grantTypeHeader !== undefined

/** The grant type asked for; the dialect may find it in a header, or take it for granted. */
export function readGrantType(request: OAuthRequest): string {
  const { http, form, dialect, notes } = request
  const grantType = form.get('grant_type')
  if (grantType !== undefined) return grantType
  if (dialect.grantTypeHeader && http.grantTypeHeader) {
    notes.features.add('grant_type_header')
    return http.grantTypeHeader
  }
  if (dialect.defaultGrantType !== null && !form.emptyNames.includes('grant_type')) {
    notes.features.add('default_grant_type')
    return dialect.defaultGrantType
  }
  return refuseMissingGrantType(request)
}

function refuseMissingGrantType({ http, form, queryParameters }: OAuthRequest): never {
  if (form.emptyNames.includes('grant_type')) {
    // RFC 6749 §3.2: a parameter without a value counts as omitted.
    refuse(
      'invalid_request',
      `empty value: ${form.emptyNames.join(', ')}`,
      'grant_type was sent without a value.',
    )
  }
  if (http.grantTypeHeader !== undefined) {
    refuse(
      'invalid_request',
      'grant_type sent as a header',
      'grant_type is missing from the body; it was sent as a header.',
    )
  }
  if (queryParameters.get('grant_type') !== undefined) {
    refuse(
      'invalid_request',
      'grant_type sent in the URL',
      'grant_type is missing from the body; it was sent in the URL.',
    )
  }
  refuse('invalid_request', 'grant_type missing', 'grant_type is missing.')
}
