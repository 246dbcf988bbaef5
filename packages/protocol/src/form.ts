/** The parameters of a request, read strictly: RFC 6749 §3.2 and App. B leave one reading of a body, and this is it. */
import { refuse } from './errors.ts'
import { decodeFormComponent, isEncodable } from './form-encoding.ts'

// Only these names may be repeated to the sender or the log: an unknown name may be a secret put in the wrong place.
const publicNames: ReadonlySet<string> = new Set([
  ...['grant_type', 'scope', 'resource', 'audience', 'client_id', 'client_secret', 'key', 'secret'],
  ...['client_assertion', 'client_assertion_type', 'assertion', 'authorization_details'],
  ...['code', 'code_verifier', 'code_challenge', 'code_challenge_method', 'redirect_uri', 'state', 'nonce'],
  ...['refresh_token', 'token', 'token_type_hint', 'username', 'password', 'request', 'request_uri'],
  ...['response_type', 'response_mode', 'requested_token_type', 'subject_token', 'subject_token_type'],
  ...['actor_token', 'actor_token_type'],
])

/** Where the parameters stood, for whoever is told what is wrong with them. */
export type FormPlace = 'body' | 'URL'

/** A form under construction: a name with its value, or with its values where the name may be repeated. */
export type FormValues = Map<string, string | string[]>

/** The parameters of one request. A parameter with an empty value counts as absent (RFC 6749 §3.2). */
export class Form {
  readonly #values: FormValues

  constructor(values: FormValues) {
    this.#values = values
  }

  /**
   * The value of a parameter, or undefined if it is absent or empty.
   *
   * Throws `invalid_request` if a repeatable parameter came with several values: whoever asks with `get` can
   * use only one, and must not be handed the first by chance.
   */
  get(name: string): string | undefined {
    const value = this.#values.get(name)
    if (typeof value === 'string') return value === '' ? undefined : value
    if (value && value.length > 1) refuseRepeated(name)
    return value?.[0]
  }

  /** Every value of a parameter in the order sent; empty ones are left out. */
  getAll(name: string): readonly string[] {
    const value = this.#values.get(name)
    if (typeof value === 'string') return value === '' ? [] : [value]
    return value ?? []
  }

  /** The name of every parameter that was sent, with or without a value. */
  get names(): readonly string[] {
    return [...this.#values.keys()]
  }

  /**
   * Well-known parameters that were sent without a value, so that a log can say "empty" instead of "missing".
   * Unknown names are not listed: a stray secret could stand there.
   */
  get emptyNames(): readonly string[] {
    return [...this.#values]
      .filter(([name, value]) => value.length === 0 && publicNames.has(name))
      .map(([name]) => name)
  }
}

/**
 * Parses an application/x-www-form-urlencoded body, or a query string without its question mark.
 *
 * The body is text whose bytes are ASCII, so decode it as Latin-1: a byte above ASCII is refused here. Names in
 * `repeatable` may occur several times (RFC 8707 §2: `resource`). Unknown parameters are kept and harmless.
 * Does not check the media type, the size, or any value's meaning.
 *
 * Throws `invalid_request` for a repeated name (even with equal or empty values), a bad percent sequence, text
 * that is not UTF-8, control characters, and a value without a name. RFC 6749 §3.2, App. B.
 */
export function parseForm(text: string, repeatable: readonly string[] = [], place: FormPlace = 'body'): Form {
  if (!isEncodable(text)) {
    refuse(
      'invalid_request',
      `form in the ${place} holds a raw byte outside printable ASCII`,
      `The ${place} holds a character that is not percent-encoded.`,
    )
  }
  const values: FormValues = new Map()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = equals === -1 ? pair : pair.slice(0, equals)
    const value = equals === -1 ? '' : pair.slice(equals + 1)
    addParameter(values, decoded(name, place), decoded(value, place), repeatable)
  }
  return new Form(values)
}

/**
 * Adds one decoded parameter to a form under construction, for parsers of other encodings.
 *
 * Throws `invalid_request` for a name that is empty or already there, unless it is `repeatable`. RFC 6749 §3.2.
 */
export function addParameter(
  values: FormValues,
  name: string,
  value: string,
  repeatable: readonly string[] = [],
): void {
  if (name === '') refuse('invalid_request', 'form value without a name', 'A parameter has no name.')
  if (repeatable.includes(name)) addRepeatable(values, name, value)
  else if (values.has(name)) refuseRepeated(name)
  else values.set(name, value)
}

function addRepeatable(values: FormValues, name: string, value: string): void {
  const before = values.get(name)
  const added = value === '' ? [] : [value]
  if (Array.isArray(before)) before.push(...added)
  else values.set(name, added)
}

/** Most names and the longest values, tokens and assertions, are as they were sent. */
function decoded(text: string, place: FormPlace): string {
  if (!text.includes('%') && !text.includes('+')) return text
  return (
    decodeFormComponent(text) ??
    refuse(
      'invalid_request',
      `form in the ${place} holds a bad percent sequence`,
      `The ${place} holds a percent sequence that is not plain UTF-8 text.`,
    )
  )
}

function refuseRepeated(name: string): never {
  const isPublic = publicNames.has(name)
  refuse(
    'invalid_request',
    isPublic ? `parameter ${name} repeated` : 'parameter repeated',
    // RFC 6749 §5.2: no quotation marks in a description.
    isPublic ? `The parameter ${name} was sent more than once.` : 'A parameter was sent more than once.',
  )
}
