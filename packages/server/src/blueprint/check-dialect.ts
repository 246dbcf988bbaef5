/** A dialect's declaration: its templates compile, its path is free, its dates follow each other. */

import { compileTemplate, type JsonObject, TemplateError } from '@sallyport/protocol'
import type { DialectSettings } from '../tenants/settings.ts'
import { claimVariables, headerVariables, responseVariables } from '../tenants/template-variables.ts'
import { checkDate } from './check-dates.ts'
import { type Path, type Report, shorten, showValue } from './problem.ts'

export function checkDialect(dialect: DialectSettings, path: Path, report: Report): void {
  checkDate(dialect.deprecated, [...path, 'deprecated'], report)
  checkDate(dialect.sunset, [...path, 'sunset'], report)
  if (
    dialect.deprecated !== undefined &&
    dialect.sunset !== undefined &&
    dialect.sunset <= dialect.deprecated
  ) {
    report([...path, 'sunset'], dialect.sunset, `a day after it is deprecated, ${dialect.deprecated}`)
  }
  checkRequest(dialect.request ?? {}, [...path, 'request'], report)
  const { members } = dialect.response ?? {}
  checkTemplate(members, responseVariables, [...path, 'response', 'members'], report)
  // RFC 6749 §5.1: without it there is no answer.
  if (members && members.access_token !== '${access_token}') {
    const place = [...path, 'response', 'members', 'access_token']
    report(place, showValue(members.access_token, place), 'the text ${access_token}')
  }
  checkExpiresIn(members, [...path, 'response', 'members'], report)
  checkTemplate(dialect.token?.header, headerVariables, [...path, 'token', 'header'], report)
  // RFC 7515 §4.1.1: no verifier reads a token whose header does not name the algorithm.
  const { header } = dialect.token ?? {}
  if (header && header.alg !== '${alg}') {
    const place = [...path, 'token', 'header', 'alg']
    report(place, showValue(header.alg, place), 'the text ${alg}')
  }
  checkClaims(dialect.token?.claims ?? {}, [...path, 'token', 'claims'], report)
}

/** RFC 6749 §5.1: a number that is written down is wrong for a token that is served again, or made short (trust R5). */
function checkExpiresIn(
  members: Readonly<Record<string, unknown>> | undefined,
  path: Path,
  report: Report,
): void {
  if (members?.expires_in === undefined || members.expires_in === '${expires_in}') return
  const place = [...path, 'expires_in']
  report(place, showValue(members.expires_in, place), 'the text ${expires_in}')
}

function checkClaims(claims: Readonly<Record<string, unknown>>, path: Path, report: Report): void {
  const users = checkTemplate(claims, claimVariables, path, report)
  for (const name of reservedClaims.filter((one) => Object.hasOwn(claims, one)))
    report([...path, name], 'a claim that the server writes itself', 'another name')
  for (const name of registeredClaims) {
    const variable = `\${${name}}`
    const user = users.get(name)
    if (Object.hasOwn(claims, name) && claims[name] !== variable)
      report([...path, name], showValue(claims[name], [...path, name]), `the text ${variable}`)
    else if (!Object.hasOwn(claims, name) && user !== undefined)
      report(
        [...path, user],
        `${variable} without a claim ${name}`,
        `the claim ${name}: ${variable} beside it`,
      )
  }
}

/**
 * RFC 7519 §4.1. By these a token is known to be dead, and it must be after its dialect has changed too: none may ever have
 * stood under another name only.
 */
const registeredClaims = ['exp', 'iat', 'jti'] as const

/** Who may use a token, who acts with it, and what it was made from: nothing that a template could know. */
const reservedClaims = ['cnf', 'act', 'derived_from']

/** First segments that the server answers itself under every issuer or host. */
const takenSegments: ReadonlySet<string> = new Set([
  ...['oauth2', 'manage', 'livez', 'readyz', 'metrics', 'system', 'assets'],
])

/** RFC 6749 §4.4.2 and RFC 8707 §2: a credential under one of these names would be read twice. */
const standardParameters: ReadonlySet<string> = new Set(['grant_type', 'scope', 'resource', 'audience'])

function checkRequest(request: NonNullable<DialectSettings['request']>, path: Path, report: Report): void {
  const { token_path: tokenPath, query_credentials: names } = request
  const [, firstSegment = ''] = tokenPath?.split('/') ?? []
  if (takenSegments.has(firstSegment)) {
    const place = [...path, 'token_path']
    report(place, showValue(tokenPath, place), `a path that does not begin with /${firstSegment}`)
  }
  if (!names) return
  for (const role of ['client_id', 'client_secret'] as const) {
    const place = [...path, 'query_credentials', role]
    if (standardParameters.has(names[role])) {
      report(place, showValue(names[role], place), 'a name that the standard does not use for something else')
    }
  }
  if (names.client_id === names.client_secret) {
    report([...path, 'query_credentials', 'client_secret'], 'the name of the client id', 'a name of its own')
  }
}

/** Answers by variable the first member that uses it. */
function checkTemplate(
  template: Readonly<Record<string, unknown>> | undefined,
  variables: readonly string[],
  path: Path,
  report: Report,
): ReadonlyMap<string, string> {
  const users = new Map<string, string>()
  // One member at a time, so that each fault has a place of its own.
  for (const [name, value] of Object.entries(template ?? {})) {
    try {
      const { variables: used, textVariables } = compileTemplate({ [name]: value } as JsonObject, variables)
      for (const variable of used) if (!users.has(variable)) users.set(variable, name)
      if (textVariables.includes('scopes'))
        report([...path, name], 'the list ${scopes} inside text', 'the text ${scope}')
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      const [nearest] = error.nearest
      const expected =
        nearest === undefined ? 'a literal or a ${variable}' : `a variable such as \${${nearest}}`
      report([...path, name], faultIn(error), expected)
    }
  }
  return users
}

/** Without the path and the hint, which have places of their own. */
const faultIn = ({ message, path, variable, nearest }: TemplateError): string =>
  variable !== undefined && nearest.length > 0
    ? `the unknown variable \${${shorten(variable)}}`
    : message.slice(path.length + 2)
