/** `sallyport restore --after`, where something else has put the database back: over both stores, in a terminal. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { resourceServer } from '../oauth/ends.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { forEachStore, type StoreSuite, temporaryFolder } from '../store/each-store.ts'
import { run } from './processes.ts'

const masterKey = Buffer.alloc(32, 7).toString('base64url')

/** The commands on a database of that engine, with a tenant in it. */
async function prepare(t: TestContext, store: StoreSuite) {
  const cwd = temporaryFolder(t)
  writeFileSync(join(cwd, 'blueprint.yaml'), blueprint(tenant('acme', [app('sync'), resourceServer])))
  const { location } = await store.prepare(t)
  const environment: Record<string, string> =
    store.engine === 'postgres' ? { SALLYPORT_DATABASE_URL: location, SALLYPORT_MASTER_KEY: masterKey } : {}
  const sallyport = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(args, { cwd, environment })
    assert.equal(code, 0, stderr)
    return stdout
  }
  await sallyport('apply', 'blueprint.yaml')
  return sallyport
}

forEachStore((_engine, store) => {
  test('R9: restore --after cuts off every token, says what cannot be known, and is in the chain', async (t) => {
    const sallyport = await prepare(t, store)
    const said = JSON.parse(await sallyport('restore', '--after', '--json'))
    assert.equal(said.tenants, 1)
    assert.equal(typeof said.tokens_issued_until, 'number')
    assert.equal(said.knows_uses, false)
    assert.ok(said.uses_unknown_until > said.tokens_issued_until + 300)
    const records = (await sallyport('audit', 'export')).trim().split('\n')
    const actions = records.slice(-2).map((record) => JSON.parse(record).action)
    assert.deepEqual(actions, ['restoreDatabase', 'revokeTokensOfTenant'])
    assert.match(await sallyport('audit', 'verify'), /whole/)
    const kept = await sallyport('restore', '--after', '--keep-tokens')
    assert.match(kept, /tokens of the time before were kept/)
    assert.match(kept, /could be used once more: start no server before \S+Z\./)
  })
})
