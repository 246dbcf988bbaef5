/** Attributes that a dialect puts inside text: a list or a map there would make every token fail. */

import { compileTemplate, type JsonObject, TemplateError } from '@sallyport/protocol'
import type { DialectSettings } from '../tenants/settings.ts'
import { claimVariables, responseVariables } from '../tenants/template-variables.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { AppEntry, TenantEntry } from './schema.ts'

type Attributes = Readonly<Record<string, unknown>>

/** The variables that stand inside longer text, each with the member below the dialect that holds it. */
export type TextVariables = ReadonlyMap<string, Path>

export function checkAttributes(tenant: TenantEntry, path: Path, report: Report): void {
  const inText = textVariablesOf(tenant.dialect ?? {})
  if (inText.size === 0) return
  for (const [index, { attributes, apps = [] }] of (tenant.organizations ?? []).entries()) {
    const at = [...path, 'organizations', index]
    // The templates reach an organization through its apps.
    const isMet = apps.length === 0 || apps.some(leansOnDialect)
    if (isMet) reportUnfit('organization', attributes, at, inText, report)
    for (const [place, app] of apps.entries()) {
      if (leansOnDialect(app)) reportUnfit('app', app.attributes, [...at, 'apps', place], inText, report)
    }
  }
}

/** An app that is answered as the standard says never meets the templates. */
export const leansOnDialect = ({ dialect }: Pick<AppEntry, 'dialect'>): boolean => dialect !== 'standard'

/** The names of attributes that cannot stand where the dialect puts them. */
export const unfitAttributes = (
  noun: 'app' | 'organization',
  attributes: Attributes | undefined,
  inText: TextVariables,
): readonly string[] =>
  Object.entries(attributes ?? {})
    .filter(([name, value]) => inText.has(variableOf(noun, name)) && !standsInText(value))
    .map(([name]) => name)

export const variableOf = (noun: 'app' | 'organization', name: string): string => `${noun}.attributes.${name}`

const standsInText = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number'

function reportUnfit(
  noun: 'app' | 'organization',
  attributes: Attributes | undefined,
  path: Path,
  inText: TextVariables,
  report: Report,
): void {
  for (const name of unfitAttributes(noun, attributes, inText)) {
    const place = [...path, 'attributes', name]
    report(
      place,
      showValue(attributes?.[name], place),
      'a text or a number, because the dialect puts it inside text',
    )
  }
}

export const textVariablesOf = ({ token, response }: DialectSettings): TextVariables =>
  new Map([
    ...textVariables(token?.claims, claimVariables, ['token', 'claims']),
    ...textVariables(response?.members, responseVariables, ['response', 'members']),
  ])

function textVariables(
  template: Attributes | undefined,
  variables: readonly string[],
  path: Path,
): readonly (readonly [string, Path])[] {
  return Object.entries(template ?? {}).flatMap(([member, value]) =>
    textVariablesIn({ [member]: value } as JsonObject, variables).map(
      (name) => [name, [...path, member]] as const,
    ),
  )
}

/** Templates that do not compile are reported where dialects are checked. */
function textVariablesIn(template: JsonObject, variables: readonly string[]): readonly string[] {
  try {
    return compileTemplate(template, variables).textVariables
  } catch (error) {
    if (error instanceof TemplateError) return []
    throw error
  }
}
