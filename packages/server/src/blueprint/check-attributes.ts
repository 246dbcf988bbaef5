/** Attributes that a dialect puts inside text: a list or a map there would make every token fail. */

import { compileTemplate, type JsonObject, TemplateError } from '@sallyport/protocol'
import type { DialectSettings } from '../tenants/settings.ts'
import { claimVariables, responseVariables } from '../tenants/template-variables.ts'
import type { Path, Report } from './problem.ts'
import type { TenantEntry } from './schema.ts'

type Attributes = Readonly<Record<string, unknown>>

export function checkAttributes(tenant: TenantEntry, path: Path, report: Report): void {
  const names = textVariablesOf(tenant.dialect ?? {})
  if (names.length === 0) return
  for (const [index, organization] of (tenant.organizations ?? []).entries()) {
    const at = [...path, 'organizations', index]
    checkRecord('organization', organization.attributes ?? {}, at, names, report)
    for (const [place, app] of (organization.apps ?? []).entries()) {
      checkRecord('app', app.attributes ?? {}, [...at, 'apps', place], names, report)
    }
  }
}

function textVariablesOf({ token, response }: DialectSettings): readonly string[] {
  return [
    ...textVariables(token?.claims, claimVariables),
    ...textVariables(response?.members, responseVariables),
  ]
}

/** Templates that do not compile are reported where dialects are checked. */
function textVariables(template: Attributes | undefined, variables: readonly string[]): readonly string[] {
  try {
    return compileTemplate((template ?? {}) as JsonObject, variables).textVariables
  } catch (error) {
    if (error instanceof TemplateError) return []
    throw error
  }
}

function checkRecord(
  noun: 'app' | 'organization',
  attributes: Attributes,
  path: Path,
  names: readonly string[],
  report: Report,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string' || typeof value === 'number') continue
    if (!names.includes(`${noun}.attributes.${name}`)) continue
    const found = Array.isArray(value) ? 'a list' : typeof value === 'boolean' ? 'a yes or no' : 'a map'
    report(
      [...path, 'attributes', name],
      found,
      'a text or a number, because the dialect puts it inside text',
    )
  }
}
