/** The target of a token: RFC 8707's `resource`, and `audience`, which may also be a plain name. */
import { refuse } from './errors.ts'

const maximumLength = 2048
// RFC 3986 §4.3: a scheme, then characters a URI may hold; a percent sign only before two digits; no fragment.
const absoluteUri = /^[a-z][a-z0-9+.-]*:(?:[a-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9a-f]{2})+$/i
const hostless = /^https?:(?!\/\/[^/?])/i
const visible = /^[\x21-\x7e]+$/

/**
 * Parses a `resource` parameter: an absolute URI without a fragment, given back as it was sent.
 *
 * Nothing is normalized, because audiences are compared as text. Throws `invalid_target`; does not check that any API
 * has this address or that the client may use it. RFC 8707 §2.
 */
export function parseResource(value: string): string {
  if (value.length > maximumLength || !absoluteUri.test(value) || hostless.test(value)) {
    refuse(
      'invalid_target',
      'resource is not an absolute URI without fragment',
      'The resource must be an absolute URI without a fragment.',
    )
  }
  return value
}

/**
 * Parses an `audience` parameter: a URI or a plain name, of visible ASCII characters.
 *
 * Throws `invalid_target`; does not check that any API has this audience. RFC 8693 §2.1 lends the parameter.
 */
export function parseAudience(value: string): string {
  if (value.length > maximumLength || !visible.test(value)) {
    refuse('invalid_target', 'audience is malformed', 'The audience must be a URI or a name without blanks.')
  }
  return value
}
