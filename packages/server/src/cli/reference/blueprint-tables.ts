/** The reference of blueprints: their schema, said in tables. */

import type { TSchema } from 'typebox'
import {
  ApiEntry,
  AppEntry,
  BlueprintFile,
  CredentialEntry,
  OrganizationEntry,
  PlanEntry,
  TenantEntry,
} from '../../blueprint/schema.ts'
import type { SchemaNode } from '../../blueprint/schema-node.ts'
import { blueprintWords, type Words } from '../../blueprint/words.ts'
import { DialectSettings, TrustedIssuerSettings } from '../../tenants/settings.ts'
import { claimVariables, headerVariables, responseVariables } from '../../tenants/template-variables.ts'
import { code, markdownTable } from './markdown.ts'

/** A section of the reference; `apart` are members that have a section of their own. */
interface Section {
  readonly name: keyof typeof blueprintWords
  readonly title: string
  readonly schema: TSchema
  readonly apart: readonly string[]
}

const sections: readonly Section[] = [
  { name: 'file', title: 'The file', schema: BlueprintFile, apart: ['tenants'] },
  {
    name: 'tenant',
    title: '`tenants[]`',
    schema: TenantEntry,
    apart: ['dialect', 'trusted_issuers', 'apis', 'plans', 'organizations'],
  },
  { name: 'api', title: '`tenants[].apis[]`', schema: ApiEntry, apart: [] },
  { name: 'plan', title: '`tenants[].plans[]`', schema: PlanEntry, apart: [] },
  { name: 'organization', title: '`tenants[].organizations[]`', schema: OrganizationEntry, apart: ['apps'] },
  { name: 'app', title: '`…organizations[].apps[]`', schema: AppEntry, apart: ['credentials'] },
  { name: 'credential', title: '`…apps[].credentials[]`', schema: CredentialEntry, apart: [] },
  {
    name: 'trustedIssuer',
    title: '`tenants[].trusted_issuers[]`',
    schema: TrustedIssuerSettings,
    apart: [],
  },
  { name: 'dialect', title: '`tenants[].dialect`', schema: DialectSettings, apart: [] },
]

export function blueprintTables(): string {
  return sections.map((section) => `### ${section.title}\n\n${sectionTable(section)}`).join('\n\n')
}

export function templateVariablesTable(): string {
  const list = (names: readonly string[]) => names.map((name) => code(`\${${name}}`)).join(' ')
  return markdownTable(
    ['Template', 'Variables'],
    [
      [code('dialect.token.header'), list(headerVariables)],
      [code('dialect.token.claims'), list(claimVariables)],
      [code('dialect.response.members'), list(responseVariables)],
    ],
  )
}

function sectionTable({ name, schema, apart }: Section): string {
  const words: Readonly<Record<string, Words>> = blueprintWords[name]
  const rows = rowsOf(schema as SchemaNode, '', apart)
  const unknown = Object.keys(words).filter((path) => !rows.some((row) => row.path === path))
  if (unknown.length > 0) throw new Error(`words.ts describes what ${name} does not have: ${unknown}`)
  return markdownTable(
    ['Setting', 'Value', 'Default', 'What it is for'],
    rows.map((row) => {
      const [about, fallback = ''] = words[row.path] ?? missing(name, row.path)
      return [
        code(row.path),
        row.value,
        row.isNeeded ? '(needed)' : fallback,
        apart.includes(row.path) ? `${about}; see below` : about,
      ]
    }),
  )
}

function missing(section: string, path: string): Words {
  throw new Error(`words.ts has no words for ${path} of ${section}.`)
}

interface Row {
  readonly path: string
  readonly value: string
  readonly isNeeded: boolean
}

function rowsOf(schema: SchemaNode, above: string, apart: readonly string[]): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = `${above}${name}`
    const row = { path, value: describeValue(property), isNeeded: schema.required?.includes(name) ?? false }
    return property.properties && !apart.includes(path)
      ? [row, ...rowsOf(property, `${path}.`, apart)]
      : [row]
  })
}

function describeValue(schema: SchemaNode): string {
  if (schema.description !== undefined) return schema.description
  const choices = choicesOf(schema)
  if (choices.length > 0) return choices.map((choice) => code(String(choice))).join(' or ')
  if (schema.items) return `a list of: ${describeValue(schema.items)}`
  switch (schema.type) {
    case 'boolean':
      return '`true` or `false`'
    case 'integer':
      return `a whole number, ${schema.minimum} to ${schema.maximum}`
    case 'object':
      return 'a map'
    default:
      return 'a text'
  }
}

const choicesOf = ({ const: only, enum: several, anyOf = [] }: SchemaNode): readonly unknown[] =>
  only === undefined ? (several ?? anyOf.flatMap(choicesOf)) : [only]
