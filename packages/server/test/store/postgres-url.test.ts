// What a PostgreSQL URL demands of TLS, whatever the version of `pg` makes of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { hotConfig, patientConfig } from '../../src/store/postgres-driver.ts'

const base = 'postgres://user:p%40ss@db.example:5433/name'
const modeOf = ({ connectionString = '' }: pg.ClientConfig) =>
  new URL(connectionString).searchParams.get('sslmode')

test('issue 2, 3: sslmode=require and its kin check the whole certificate, and are handed to pg in those words', () => {
  for (const config of [(url: string) => hotConfig(url, 800), patientConfig]) {
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
      assert.equal(modeOf(config(`${base}?sslmode=${mode}`)), 'verify-full')
    for (const url of [
      ...['disable', 'no-verify'].map((mode) => `${base}?sslmode=${mode}`),
      ...[base, `${base}?uselibpqcompat=true&sslmode=require`, 'postgres://%2Frun%2Fpg/name'],
    ])
      assert.equal(config(url).connectionString, url)
  }
})

test('issue 2, 3: a URL with sslmode=require is one that pg does not warn of, and means what it did', (t) => {
  const warn = t.mock.method(process, 'emitWarning', () => {})
  const { connectionParameters } = new pg.Client(
    hotConfig(`${base}?sslmode=require&sslrootcert=`, 800),
  ) as never as {
    connectionParameters: Record<string, unknown>
  }
  const { host, port, user, password, database } = connectionParameters
  assert.deepEqual([host, port, user, password, database], ['db.example', 5433, 'user', 'p@ss', 'name'])
  assert.deepEqual(connectionParameters.ssl, {})
  assert.equal(warn.mock.callCount(), 0)
})
