/** Outside issuers that a tenant trusts: their keys can be had, and what they open exists; and no app waits for none. */

import { jwtBearerType } from '../apps/settings.ts'
import { checkFederationRule } from '../federation/check-rule.ts'
import type { TrustedIssuerSettings } from '../tenants/settings.ts'
import { appsOf, checkAppIds } from './apps-of.ts'
import { checkGrants } from './check-grants.ts'
import { refusePublic } from './check-token-exchange.ts'
import type { Path, Report } from './problem.ts'
import { readJwk } from './public-key.ts'
import type { TenantEntry } from './schema.ts'

export function checkTrustedIssuers(tenant: TenantEntry, path: Path, report: Report): void {
  const { trusted_issuers: issuers = [], apis = [] } = tenant
  const apps = appsOf(tenant, path)
  for (const [index, trusted] of issuers.entries()) {
    const at = [...path, 'trusted_issuers', index]
    checkRule(trusted, at, report)
    checkKeys(trusted, at, report)
    checkAudience(trusted, at, report)
    checkAppIds(trusted.apps, apps, [...at, 'apps'], report)
    checkGrants(trusted.scopes ?? {}, apis, [...at, 'scopes'], report)
  }
  for (const { app, path: place } of apps) {
    const index = app.grant_types?.indexOf(jwtBearerType) ?? -1
    if (index === -1) continue
    if (!issuers.some((one) => namesApp(one, app.id) && takesAssertions(one)))
      report(
        [...place, 'grant_types', index],
        'a grant that no issuer is trusted for',
        `trusted_issuers with apps: [${app.id}]`,
      )
    refusePublic({ app, path: place }, report)
  }
}

const namesApp = ({ apps }: TrustedIssuerSettings, id: string): boolean =>
  apps.includes(id) || apps.includes('*')

const takesAssertions = ({ accepts = ['assertion'] }: TrustedIssuerSettings): boolean =>
  accepts.some((use) => use !== 'subject_token')

function checkRule({ issuer, subject, claims }: TrustedIssuerSettings, path: Path, report: Report): void {
  // Unlike the one of a workload, an issuer of people's tokens may be trusted with all of them.
  const { problems } = checkFederationRule({
    issuer,
    subject: subject ?? 'anybody',
    ...(claims && { claims }),
  })
  for (const expected of problems) report(path, 'an issuer that cannot be trusted so', expected)
}

function checkKeys({ jwks, jwks_uri: uri }: TrustedIssuerSettings, path: Path, report: Report): void {
  if (jwks !== undefined && uri !== undefined)
    report([...path, 'jwks_uri'], 'jwks_uri beside jwks', 'one of the two')
  for (const [index, key] of (jwks?.keys ?? []).entries()) {
    const reading = readJwk(key)
    if ('jwk' in reading) continue
    report([...path, 'jwks', 'keys', index], reading.found, reading.expected)
  }
}

function checkAudience(
  { accepts = [], subject_token_audience: audience }: TrustedIssuerSettings,
  path: Path,
  report: Report,
): void {
  if (audience !== undefined && !accepts.includes('subject_token'))
    report([...path, 'subject_token_audience'], 'an audience', 'subject_token among what it accepts')
}
