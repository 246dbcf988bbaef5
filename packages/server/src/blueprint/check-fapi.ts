/** FAPI 2.0 Security Profile: what a tenant that obeys it must not say anywhere, on purpose or by leaving it out. */

import type { SignatureAlgorithm } from '@sallyport/protocol'
import {
  authenticationMethodNames,
  authenticationMethods,
  defaultAuthenticationMethods,
} from '../apps/authentication-methods.ts'
import type { PublishedAlgorithm } from '../keys/signer.ts'
import { oneOf } from './one-of.ts'
import type { Path, Report } from './problem.ts'
import type { AppEntry, TenantEntry } from './schema.ts'

/** FAPI 2.0 Security Profile §5.4: for assertions and tokens alike. */
const algorithms: readonly PublishedAlgorithm[] = ['PS256', 'ES256', 'EdDSA']
const assertionAlgorithms: readonly string[] = [...algorithms, 'Ed25519'] satisfies SignatureAlgorithm[]
const methods = authenticationMethodNames.filter((name) => authenticationMethods[name].isFapi)
const because = 'as security: fapi2 demands'

export function checkFapi(tenant: TenantEntry, path: Path, report: Report): void {
  if (tenant.security !== 'fapi2') return
  checkTenantSettings(tenant, path, report)
  for (const [index, api] of (tenant.apis ?? []).entries()) {
    const at = [...path, 'apis', index]
    checkConstraint(api, at, report)
    if (api.signing_algorithm !== undefined) {
      const place = [...at, 'signing_algorithm']
      report(place, api.signing_algorithm, `nothing, so that the tenant's key signs, ${because}`)
    }
  }
  for (const [index, { apps = [] }] of (tenant.organizations ?? []).entries()) {
    for (const [at, app] of apps.entries())
      checkApp(app, [...path, 'organizations', index, 'apps', at], report)
  }
}

interface Constrained {
  readonly sender_constraint?: string
}

/** §5.3.2.1: only tokens that are bound to their client's key. */
function checkConstraint({ sender_constraint: constraint }: Constrained, path: Path, report: Report): void {
  if (constraint === 'none')
    report([...path, 'sender_constraint'], constraint, `dpop, mtls or any, ${because}`)
}

function checkTenantSettings(tenant: TenantEntry, path: Path, report: Report): void {
  checkConstraint(tenant, path, report)
  for (const [index, name] of (tenant.assertion_algorithms ?? []).entries()) {
    const place = [...path, 'assertion_algorithms', index]
    if (!assertionAlgorithms.includes(name))
      report(place, name, oneOf(`one of these, ${because}`, assertionAlgorithms))
  }
  const { signing_algorithm: algorithm, assertion_audience: audience } = tenant
  if (algorithm !== undefined && !algorithms.includes(algorithm))
    report([...path, 'signing_algorithm'], algorithm, oneOf(`one of these, ${because}`, algorithms))
  // §5.3.2.1: the issuer as the one audience, as a text.
  if (audience !== undefined && audience !== 'issuer')
    report([...path, 'assertion_audience'], audience, `issuer, ${because}`)
  const { request = {} } = tenant.dialect ?? {}
  for (const [name, value] of Object.entries(request)) {
    // Another path is the same endpoint; whatever else a dialect knows of requests is beside the profile.
    if (name !== 'token_path' && value !== false)
      report(
        [...path, 'dialect', 'request', name],
        'requests beside the standard',
        `none of them, ${because}`,
      )
  }
}

/** §5.3.2.1: nothing that the server could replay. */
function checkApp(app: AppEntry, path: Path, report: Report): void {
  checkConstraint(app, path, report)
  const expected = oneOf(`methods of these, ${because}`, methods)
  const place = [...path, 'client_authentication']
  if (app.client_authentication === undefined)
    report(place, `nothing, which means ${defaultAuthenticationMethods.join(' and ')}`, expected)
  for (const [index, name] of (app.client_authentication ?? []).entries()) {
    if (!methods.includes(name)) report([...place, index], name, expected)
  }
}
