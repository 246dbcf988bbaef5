/** Which database a command works on: it says so before it changes something, and never with a password. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { placeOf } from '../../src/cli/store-options.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { run } from './processes.ts'

test('issue 2 item 2: apply says when it makes a new database, and which one it changes', async (t) => {
  const cwd = temporaryFolder(t)
  writeFileSync(join(cwd, 'blueprint.yaml'), blueprint(tenant('acme', [app('sync')])))
  writeFileSync(join(cwd, 'sallyport.yaml'), 'data_folder: ./elsewhere\n')
  const apply = async (...args: string[]) => {
    const { code, stderr } = await run(['apply', 'blueprint.yaml', ...args], { cwd })
    assert.equal(code, 0, stderr)
    return stderr
  }
  const config = ['--config', 'sallyport.yaml']
  assert.equal(await apply('--dry-run'), '', 'it makes none')
  assert.equal(await apply(), 'Made a new database in ./data.\n')
  assert.equal(await apply(), 'In ./data:\n')
  assert.equal(await apply(...config, '--prune', '--json'), 'Made a new database in ./elsewhere.\n')
  assert.equal(await apply(...config), 'In ./elsewhere:\n')
  assert.equal(await apply(...config, '--json'), '')
  const { stderr } = await run(['keys', 'list', ...config], { cwd })
  assert.equal(stderr, '', 'it only reads')
})

test('trust F: a PostgreSQL database is named by its name and its host, without user and password', () => {
  const at = (database_url: string) => placeOf({ data_folder: './data', database_url, master_key: null })
  assert.equal(
    at('postgres://user:hunter2@db.example:5432/sallyport?password=hunter2'),
    'the PostgreSQL database sallyport on db.example',
  )
  assert.equal(at('postgres:///sallyport?host=/run/postgresql'), 'the PostgreSQL database sallyport')
})

test('trust F: --data beside PostgreSQL of the environment is refused: a drill must not change the other', async (t) => {
  const cwd = temporaryFolder(t)
  writeFileSync(join(cwd, 'blueprint.yaml'), blueprint(tenant('acme', [app('sync')])))
  const environment = {
    SALLYPORT_DATABASE_URL: 'postgres://ada:the-password@127.0.0.1:1/sallyport',
    SALLYPORT_MASTER_KEY: 'A'.repeat(43),
  }
  for (const args of [
    ['keys', 'list'],
    ['apply', 'blueprint.yaml', '--prune', '--json'],
    ['restore', 'a.db'],
  ]) {
    const { code, stderr } = await run([...args, '--data', './drill'], { cwd, environment })
    assert.equal(code, 2, stderr)
    assert.match(
      stderr,
      /^ {2}--data names an embedded database and SALLYPORT_DATABASE_URL names PostgreSQL: /m,
    )
  }
})
