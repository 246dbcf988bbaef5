/** docs/blueprints.md is true: its examples of credentials stand in the file that it applies, and its limits are taken. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
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
