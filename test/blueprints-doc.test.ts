/** docs/blueprints.md is true: its examples of credentials stand in the file that it applies, and its limits are taken. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TSchema } from 'typebox'
import { parse } from 'yaml'
import { BlueprintFile } from '../packages/server/src/blueprint/schema.ts'
import type { SchemaNode } from '../packages/server/src/blueprint/schema-node.ts'
import { refusals } from '../packages/server/test/blueprint/sample.ts'
import { blocksIn, textOf } from './document-commands.ts'

test('docs/blueprints.md: the examples of credentials are those of the file that the document applies', () => {
  const examples = blocksIn('docs/blueprints.md', 'yaml')
  const dedented = textOf('docs/examples/credentials.yaml').replaceAll(/^ {12}/gm, '')
  const ofCredentials = examples.filter((example) => example.startsWith('client_authentication'))
  assert.equal(ofCredentials.length, 5)
  for (const example of ofCredentials) assert.ok(dedented.includes(example), example)
  const [ofLimits = '', ...others] = examples.filter((example) => !ofCredentials.includes(example))
  assert.deepEqual(others, [])
  assert.deepEqual(refusals(tenantWith(ofLimits)), [])
})

test('docs/examples/complete.yaml: it has every setting of the schema, but for kinds of credentials that stand in credentials.yaml', () => {
  const [complete, credentials] = ['complete', 'credentials'].map(
    (name) => new Set(settingsIn(parse(textOf(`docs/examples/${name}.yaml`)))),
  )
  const schema: TSchema = BlueprintFile
  const kind = /^(.*\.credentials\.(?:public_key|jwks_uri|certificate|federation))(?:\.|$)/
  const missing = settingsOf(schema as SchemaNode).filter((setting) => {
    const [, ofKind] = kind.exec(setting) ?? []
    return ofKind === undefined ? !complete?.has(setting) : !credentials?.has(ofKind)
  })
  assert.deepEqual(missing, [])
})

/** `.tenants.apis.audience` and so on; of the forms that one value may have it is enough that the setting is there. */
const settingsOf = ({ properties = {}, items }: SchemaNode, above = ''): string[] => [
  ...Object.entries(properties).flatMap(([name, node]) => [
    `${above}.${name}`,
    ...settingsOf(node, `${above}.${name}`),
  ]),
  ...(items === undefined ? [] : settingsOf(items, above)),
]

/** The same paths, as a file has them. */
function settingsIn(value: unknown, above = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => settingsIn(one, above))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, below]) => [
    `${above}.${name}`,
    ...settingsIn(below, `${above}.${name}`),
  ])
}

/** A part of a tenant, with what every API needs. */
function tenantWith(example: string): string {
  const part = parse(example) as { apis: object[]; plans: object[] }
  const apis = part.apis.map((api) => ({
    audience: 'https://api.example.com',
    scopes: { 'orders/read': 'Read' },
    ...api,
  }))
  return JSON.stringify({
    blueprint: 'example',
    tenants: [{ id: 'example', name: 'Example', environment: 'test', ...part, apis }],
  })
}
