/** docs/protect-your-api.md is true: its sample compiles and guards an API, and its links lead to sections of the guard's page. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRefusalId } from '@sallyport/protocol'
import { removeApp } from '../packages/server/src/store/apps.ts'
import { blocksIn, textOf } from './document-commands.ts'
import { assertCompile, writeSamples } from './document-samples.ts'
import { blueprintOf, firstRefusal, open, setEnvironment, startIssuer, tokenOf } from './guard-doc-world.ts'

const document = 'docs/protect-your-api.md'
const samples = blocksIn(document, 'ts')

test(`${document}: the sample compiles`, (t) => {
  assert.equal(samples.length, 1)
  assertCompile(t, samples)
})

test(`${document}: the sample lets in good tokens, and refuses none, too little, and what is revoked`, async (t) => {
  const server = await startIssuer(t, blueprintOf('docs/guard.md', {}))
  setEnvironment(t, server.credential('acme', 'invoices-api'))
  const [file = ''] = writeSamples(t, samples)
  const call = await open(t, file)
  const bearer = async (scope: string) => ({ authorization: `Bearer ${await tokenOf(server, scope)}` })
  const [reader, writer] = [await bearer('invoices/read'), await bearer('invoices/write')]
  const [clientId] = server.credential('acme', 'sync')
  assert.deepEqual(await (await call('/invoices', reader)).json(), { client: clientId })
  assert.deepEqual([(await call('/invoices')).status, (await call('/invoices', writer)).status], [401, 403])
  await server.db.write((tx) => removeApp(tx, 'acme', clientId))
  const response = await firstRefusal(() => call('/invoices', reader))
  const { refusal_id: id } = (await response.json()) as { refusal_id: string }
  assert.equal(parseRefusalId(id)?.reason, 'revoked_app')
})

test('docs: links into the page of the guard lead to headings that it has', () => {
  const headings = [...textOf('docs/guard.md').matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
    title.toLowerCase().replaceAll(' ', '-'),
  )
  for (const name of [document, 'docs/revocation.md'])
    for (const [, anchor = ''] of textOf(name).matchAll(/\]\(guard\.md#([\w-]+)\)/g))
      assert.ok(headings.includes(anchor), `${name}: ${anchor}`)
})
