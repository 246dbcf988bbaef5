// What the operator sees of a database that is lost: one line, one metric, and the true reason beside each refusal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type Database, StoreUnavailable } from '../../src/store/database.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertToken, assertUnavailable } from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'

const text = blueprint(tenant('acme', [app('sync')]))
const reason = 'The disk of the data folder is full: make room on it, then try again.'

function fillable() {
  const disk = { isFull: false }
  const orRefuse = <Result>(work: () => Promise<Result>): Promise<Result> =>
    disk.isFull ? Promise.reject(new StoreUnavailable(reason)) : work()
  const db = (real: Database): Database => ({
    ...real,
    write: (work, by) => orRefuse(() => real.write(work, by)),
    insertUses: (uses) => orRefuse(() => real.insertUses(uses)),
  })
  return { disk, doubles: { db } }
}

const linesOf = ({ logLines }: TestServer, ...messages: readonly string[]) =>
  logLines.filter(({ msg }) => messages.includes(String(msg)))

const upOf = async ({ server }: TestServer): Promise<string | undefined> =>
  /^sallyport_database_up (\d)$/m.exec((await server.metrics.render()).body)?.[1]

forEachStore((_engine, suite) => {
  test(`trust R18: a full disk is one line when it begins and one when it ends, and a metric`, async (t) => {
    const { disk, doubles } = fillable()
    const server = await startTestServer(t, suite, text, {}, doubles)
    const basic = server.credential('acme', 'sync')
    const token = assertToken(await server.token('acme', { basic }))
    const revoke = () =>
      server.request({ method: 'POST', url: '/acme/oauth2/revoke', basic, body: { token } })
    assert.equal(await upOf(server), '1')
    disk.isFull = true
    for (let time = 0; time < 3; time += 1) assertUnavailable(await revoke())
    assertToken(await server.token('acme', { basic }))
    assert.equal(await upOf(server), '0')
    assert.equal(
      (await server.request({ url: '/readyz' })).status,
      200,
      'what is only read is still answered',
    )
    assert.deepEqual(
      linesOf(server, 'database lost').map(({ level, reason: said }) => [level, said]),
      [['error', reason]],
    )
    assert.deepEqual(
      linesOf(server, 'revocation refused').map(({ code, reason: said }) => [code, said]),
      Array.from({ length: 3 }, () => ['temporarily_unavailable', reason]),
    )
    server.clock.advance(90)
    disk.isFull = false
    while (linesOf(server, 'database back').length === 0) await setImmediate()
    const lines = linesOf(server, 'database lost', 'database back')
    assert.deepEqual(
      lines.map(({ msg, level, seconds }) => [msg, level, seconds]),
      [
        ['database lost', 'error', undefined],
        ['database back', 'info', 90],
      ],
    )
    assert.equal(await upOf(server), '1')
    assert.equal((await revoke()).status, 200)
  })
})
