/** A new release meets the database of the older one: what migrates it, what leaves it, and who is told. */

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { ensureLocalCertificate } from '../../src/dev/local-ca.ts'
import { systemEffects } from '../../src/effects.ts'
import { createSealer } from '../../src/keys/sealing.ts'
import { pepperContext } from '../../src/keys/secret-hasher.ts'
import { parseMasterKeys } from '../../src/master-key.ts'
import { databaseFile, masterKeyPath, openStore } from '../../src/open-store.ts'
import { migrate, migrations } from '../../src/store/migrations.ts'
import { sqliteTarget } from '../../src/store/sqlite.ts'
import { writingKysely } from '../../src/store/sqlite-driver.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { forEachStore, temporaryFolder } from '../store/each-store.ts'
import { freePorts, occupy, run, startFor } from './processes.ts'

const known = migrations.length

/** A data folder that the release before this one has left. */
async function leaveOlder(t: TestContext) {
  const cwd = temporaryFolder(t)
  const data = join(cwd, 'data')
  mkdirSync(data)
  writeFileSync(masterKeyPath(data), Buffer.alloc(32, 7).toString('base64url'), { mode: 0o600 })
  const connection = new DatabaseSync(databaseFile(data))
  connection.exec('pragma journal_mode = wal')
  const target = sqliteTarget(writingKysely(connection, 1000), systemEffects.clock)
  await migrate(target, migrations.slice(0, -1))
  connection.close()
  writeFileSync(join(cwd, 'blueprint.yaml'), blueprint(tenant('acme', [app('sync')])))
  const schema = () => {
    const reader = new DatabaseSync(databaseFile(data), { readOnly: true })
    const row = reader.prepare('select max(id) as newest from schema_migrations').get()
    reader.close()
    return row?.newest
  }
  return { cwd, data, schema }
}

const ofOlder = new RegExp(
  `^The database is of an older Sallyport \\(schema ${known - 1}, this release needs ${known}\\): .*\\n$`,
)

test('trust R21: a command that only looks refuses the database of an older release, and leaves it; apply migrates it and says so', async (t) => {
  const { cwd, schema } = await leaveOlder(t)
  for (const args of [
    ['apps'],
    ['export'],
    ['diff', 'blueprint.yaml'],
    ['apply', 'blueprint.yaml', '--dry-run'],
    // What it removes is asked about first.
    ['apply', 'blueprint.yaml', '--prune'],
    ['audit', 'verify'],
    ['keys', 'list'],
    ['operators', 'add', 'ops'],
  ]) {
    const { code, stderr } = await run(args, { cwd })
    assert.equal(code, 3, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, ofOlder)
    assert.equal(schema(), known - 1, args.join(' '))
  }
  const { code, stderr } = await run(['apply', 'blueprint.yaml', '--json'], { cwd })
  const migrated = `Migrated ./data from schema ${known - 1} to ${known}: an older release cannot open it any more.\n`
  assert.deepEqual([code, stderr, schema()], [0, migrated, known])
})

test('trust R21: with the wrong master key the older release finds its database as it was', async (t) => {
  const { data, schema } = await leaveOlder(t)
  const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64url')
  const openWith = (master_key: string) =>
    openStore({ data_folder: data, database_url: null, master_key }, systemEffects)
  const sealed = createSealer(parseMasterKeys(keyOf(7)), systemEffects.random).seal(
    Buffer.alloc(32),
    pepperContext(1),
  )
  const writer = new DatabaseSync(databaseFile(data))
  writer.prepare('insert into peppers (version, sealed, created_at) values (1, ?, 0)').run(sealed)
  writer.close()
  await assert.rejects(openWith(keyOf(8)), {
    name: 'StoreRefused',
    message: /Give back the key this database was made with/,
  })
  assert.equal(schema(), known - 1)
  const { db } = await openWith(keyOf(7))
  await db.close()
  assert.equal(schema(), known)
})

for (const workers of [1, 2])
  test(`trust R21: a start that cannot have its port or its certificate migrates nothing, with ${workers} of them; the one that can logs it once`, async (t) => {
    const { cwd, data, schema } = await leaveOlder(t)
    const certificate = { hosts: ['localhost'], effects: systemEffects }
    const { certFile, keyFile } = await ensureLocalCertificate({ ...certificate, folder: join(cwd, 'tls') })
    const busy = await occupy(t)
    const [port = 0] = await freePorts(1)
    const settings = {
      ...{ base_url: 'https://localhost', listen_host: '127.0.0.1', data_folder: data, workers },
      ...{ listen_port: port, tls_certificate_file: certFile, tls_key_file: keyFile },
    }
    const config = join(cwd, 'sallyport.yaml')
    writeFileSync(config, JSON.stringify(settings))
    const serve = ['serve', '--config', config]
    for (const wrong of [
      ['--listen-port', `${busy}`],
      ['--metrics-port', `${busy}`],
      ['--tls-certificate-file', join(cwd, 'none.pem')],
    ]) {
      const { code, stderr } = await run([...serve, ...wrong])
      assert.equal(code, 3, stderr)
      assert.match(stderr, /already in use|does not exist/)
      assert.equal(schema(), known - 1, wrong.join(' '))
    }
    const running = startFor(t, serve)
    await running.says(/"msg":"ready"/)
    const { stdout } = await running.stop()
    const lines = stdout.split('\n').filter((line) => line.includes('"database migrated"'))
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).reason),
      [`schema ${known - 1} to ${known}`],
    )
    assert.equal(schema(), known)
  })

forEachStore((engine, store) => {
  if (engine !== 'postgres') return
  test('trust R21: apply --dry-run plans for a PostgreSQL database that is empty, and leaves it so', async (t) => {
    const cwd = temporaryFolder(t)
    writeFileSync(join(cwd, 'blueprint.yaml'), blueprint(tenant('acme', [app('sync')])))
    const { location } = await store.prepareUnmigrated(t)
    const master_key = Buffer.alloc(32, 7).toString('base64url')
    const environment = { SALLYPORT_DATABASE_URL: location, SALLYPORT_MASTER_KEY: master_key }
    const { code, stdout, stderr } = await run(['apply', 'blueprint.yaml', '--dry-run'], { cwd, environment })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /acme/)
    const place = { data_folder: cwd, database_url: location, master_key }
    await assert.rejects(openStore(place, systemEffects, { mustBeCurrent: true }), { name: 'StoreEmpty' })
  })
})
