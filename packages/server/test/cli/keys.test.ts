/** `sallyport keys` in a terminal, beside the server whose keys they are. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { systemEffects } from '../../src/effects.ts'
import type { KeyReport } from '../../src/keys/report.ts'
import { openStore } from '../../src/open-store.ts'
import { moveSigningKey } from '../../src/store/signing-keys.ts'
import { createDirectory } from '../../src/tenants/directory.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'
import { type Outcome, type RunOptions, run } from './processes.ts'

interface Place {
  readonly folder: string
  keys(args: readonly string[], options?: RunOptions): Promise<Outcome>
  /** What `keys … --json` answers. */
  json<Answer>(...args: string[]): Promise<Answer>
}

type ListedKey = Omit<KeyReport, 'tenantId' | 'apiId'> & {
  readonly tenant: string
  readonly api: string | null
}

const apis = [{ ...restApi, signing_algorithm: 'HS512' }]

/** Two tenants whose keys have been made, as if they had been asked for a token. */
async function start(t: TestContext): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-keys-'))
  t.after(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'b.yaml'), blueprint(tenant('acme', [app('sync')]), tenant('hmac', [], { apis })))
  assert.equal((await run(['apply', 'b.yaml'], { cwd: root })).code, 0)
  const folder = join(root, 'data')
  const store = await openStore({ data_folder: folder, database_url: null, master_key: null }, systemEffects)
  const directory = createDirectory({ ...store, random: systemEffects.random, clientCacheEntries: 1 })
  for (const id of ['acme', 'hmac']) await directory.tenant(id)
  directory.close()
  await store.db.close()
  const keys: Place['keys'] = (args, options) => run(['keys', ...args], { cwd: root, ...options })
  return {
    folder,
    keys,
    async json(...args) {
      const { code, stdout, stderr } = await keys([...args, '--json'])
      assert.equal(stderr, '')
      assert.equal(code, 0, stdout)
      return JSON.parse(stdout)
    },
  }
}

test('product 9: keys list says what each key is and becomes, and keys rotate when the next one signs', async (t) => {
  const { keys, json } = await start(t)
  const before = await json<ListedKey[]>('list')
  assert.deepEqual(
    before.map(({ tenant: id, api, algorithm, state }) => [id, api, algorithm, state]).toSorted(),
    [
      ['acme', null, 'ES256', 'active'],
      ['hmac', 'rest', 'HS512', 'active'],
      ['hmac', null, 'ES256', 'active'],
    ].toSorted(),
  )
  for (const { becomes, since, api } of before)
    assert.deepEqual(becomes, { state: 'retiring', at: since + 90 * 86_400 + (api === null ? 600 : 60) })
  const rotated = await json<ListedKey[]>('rotate', '--tenant', 'acme')
  const next = rotated.find(({ state }) => state === 'next')
  assert.ok(next)
  assert.deepEqual(next.becomes, { state: 'active', at: next.since + 600 })
  // Asked again it says the same: one rotation is under way.
  assert.deepEqual(await json('rotate', '--tenant', 'acme'), rotated)
  const { stdout } = await keys(['list', '--tenant', 'acme'])
  assert.match(stdout, /^TENANT +KEY +ALGORITHM +API +STATE +SINCE +BECOMES\nacme /)
  assert.match(stdout, /^acme +\S+ +ES256 +- +next +\S+Z +active \d{4}-\d\d-\d\dT[\d:]+Z$/m)
  assert.deepEqual((await json<ListedKey[]>('list', '--api', 'rest')).length, 1)
  assert.deepEqual(await json('list', '--algorithm', 'RS256'), [])
})

test('product 9: an emergency names its tenant, says what it ends, and leaves one key that signs', async (t) => {
  const { keys, json } = await start(t)
  const [old] = await json<ListedKey[]>('list', '--tenant', 'acme')
  const unnamed = await keys(['rotate', '--emergency'])
  assert.deepEqual([unnamed.code, unnamed.stdout], [2, ''])
  assert.match(unnamed.stderr, /--tenant, or say --all/)
  const { code, stdout } = await keys(['rotate', '--emergency', '--tenant', 'acme'])
  assert.equal(code, 0)
  assert.match(stdout, /is retired; every token it has signed is dead\./)
  assert.match(stdout, /signs from now on\./)
  assert.ok(stdout.includes(old?.kid ?? '?'))
  const now = await json<ListedKey[]>('list', '--tenant', 'acme')
  assert.deepEqual(now.map(({ state }) => state).toSorted(), ['active', 'retired'])
  assert.equal((await keys(['list', '--tenant', 'nobody'])).code, 2)
  const all = await json<{ tenant: string }[]>('rotate', '--emergency', '--all')
  assert.deepEqual(
    all.map(({ tenant: id }) => id),
    ['acme', 'hmac'],
  )
})

test('product 9: an emergency of every tenant that is cut off has said whose keys are replaced', async (t) => {
  const { folder, keys } = await start(t)
  const connection = new DatabaseSync(join(folder, 'sallyport.db'))
  connection.exec(`create trigger cut before insert on signing_keys when new.tenant_id = 'hmac'
    begin select raise(abort, 'cut off'); end`)
  connection.close()
  const { code, stdout } = await keys(['rotate', '--emergency', '--all'])
  assert.equal(code, 1)
  assert.match(
    stdout,
    /^Tenant acme:\n {2}\S+ \(ES256\) is retired; .*\n {2}\S+ \(ES256\) signs from now on\.\n/,
  )
  assert.doesNotMatch(stdout, /Tenant hmac/)
})

test('product 9: keys retire says no to a key whose tokens may live, and why', async (t) => {
  const { folder, keys, json } = await start(t)
  assert.deepEqual(await json('retire'), { retired: [], kept: [] })
  const store = await openStore({ data_folder: folder, database_url: null, master_key: null }, systemEffects)
  const [{ kid = '' } = {}] = await json<ListedKey[]>('list', '--tenant', 'acme')
  await store.db.write((tx) => moveSigningKey(tx, 'acme', kid, 'active', 'retiring'))
  await store.db.close()
  const no = await keys(['retire', '--tenant', 'acme'])
  assert.equal(no.code, 1)
  assert.match(
    no.stdout,
    /^\S+ stays until \S+Z: tokens that it has signed may live\. --emergency ends them\.$/m,
  )
  const yes = await json('retire', '--tenant', 'acme', '--emergency')
  assert.deepEqual(yes, { retired: [kid], kept: [] })
})

test('product 9: a retirement of every tenant that is cut off has said whose keys are dead', async (t) => {
  const { folder, keys, json } = await start(t)
  const listed = await json<ListedKey[]>('list')
  const store = await openStore({ data_folder: folder, database_url: null, master_key: null }, systemEffects)
  for (const { tenant: id, kid } of listed)
    await store.db.write((tx) => moveSigningKey(tx, id, kid, 'active', 'retiring'))
  await store.db.close()
  const connection = new DatabaseSync(join(folder, 'sallyport.db'))
  connection.exec(`create trigger cut before update on signing_keys when new.tenant_id = 'hmac' and new.state = 'retired'
    begin select raise(abort, 'cut off'); end`)
  connection.close()
  const { code, stdout } = await keys(['retire', '--emergency', '--all'])
  const ofAcme = listed.find(({ tenant: id }) => id === 'acme')?.kid
  assert.deepEqual([code, stdout], [1, `${ofAcme} is retired; every token it has signed is dead.\n`])
})

test('product 6: keys rotate-master replaces the key file, and the next command opens with it', async (t) => {
  const { folder, keys, json } = await start(t)
  const file = join(folder, 'master.key')
  const old = readFileSync(file, 'utf8')
  const { code, stdout } = await keys(['rotate-master'])
  assert.equal(code, 0, stdout)
  assert.match(
    stdout,
    /^Everything is sealed by the first master key; 4 secrets were sealed anew\.\nThe old one is gone/,
  )
  assert.ok(!stdout.includes(old.trim()) && !stdout.includes(readFileSync(file, 'utf8').trim()))
  assert.notEqual(readFileSync(file, 'utf8'), old)
  assert.equal((await json<ListedKey[]>('list')).length, 3)
  const mine = Buffer.alloc(32, 5).toString('base64url')
  writeFileSync(join(folder, 'mine'), `${mine}\n`)
  assert.equal((await keys(['rotate-master', '--new-master-key-file', 'data/mine'])).code, 0)
  assert.equal(readFileSync(file, 'utf8'), `${mine}\n`)
})

test('product 6: with a list of your own the order new,old seals anew, and the file is left alone', async (t) => {
  const { folder, keys } = await start(t)
  const file = join(folder, 'master.key')
  const old = readFileSync(file, 'utf8')
  const fresh = Buffer.alloc(32, 6).toString('base64url')
  const given = (...list: string[]) => ({ environment: { SALLYPORT_MASTER_KEY: list.join(',') } })
  // Nodes that are to learn the new key first: the old one still seals.
  assert.equal((await keys(['list'], given(old.trim(), fresh))).code, 0)
  const refused = await keys(['rotate-master', '--new-master-key-file', 'x'], given(fresh, old.trim()))
  assert.deepEqual([refused.code, refused.stdout], [2, ''])
  const { code, stdout } = await keys(['rotate-master', '--json'], given(fresh, old.trim()))
  assert.deepEqual([code, JSON.parse(stdout)], [0, { resealed: 4, left: 0, old_key_may_go: true }])
  assert.equal(readFileSync(file, 'utf8'), old)
  assert.equal((await keys(['list'], given(fresh))).code, 0)
  assert.equal((await keys(['list'])).code, 3)
})
