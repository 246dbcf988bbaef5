/** The example APIs beside a development instance: started with it, told of, called with a token, and ended with it. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { DemoFile } from '../../src/dev/demo-file.ts'
import { ask, askToken, freeNeighbours, freePorts, occupy, type Running, start } from './processes.ts'

/** One instance for the first tests, in their order; the others start theirs in the same folder. */
const place: { folder: string; apiPort: number; running: Running | undefined } = {
  ...{ folder: '', apiPort: 0, running: undefined },
}
before(async () => {
  place.folder = mkdtempSync(join(tmpdir(), 'sallyport-dev-apis-'))
  place.apiPort = await freeNeighbours()
  place.running = await startDev(place.apiPort)
})
after(async () => {
  await place.running?.stop()
  rmSync(place.folder, { recursive: true, force: true })
})
const running = (): Running => place.running ?? assert.fail('the instance has not started')

const readDemo = (): DemoFile => JSON.parse(readFileSync(join(place.folder, 'data/demo.json'), 'utf8'))

const isTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(true))
    // Both families: `localhost` is the one or the other.
    probe.listen(port, '::', () => probe.close(() => resolve(false)))
  })

async function startDev(apiPort: number): Promise<Running> {
  const [port = 0] = await freePorts(1)
  if (port === apiPort || port === apiPort + 1) return startDev(apiPort)
  const given = ['--port', `${port}`, '--http-port', '0', '--mtls-port', '0', '--api-port', `${apiPort}`]
  const started = start(['dev', ...given], { cwd: place.folder })
  await started.says(/^Sallyport is ready/m)
  return started
}

/** Whoever had the port gives it back when it ends, and not at any given time. */
async function untilFree(port: number): Promise<void> {
  while (await isTaken(port));
}

async function tokenOf({ ca, tenants }: DemoFile, tenant: string): Promise<string> {
  const { path_token_url: url = '', client_id: id = '', client_secret: secret = '' } = tenants[tenant] ?? {}
  const answer = await askToken(url, [id, secret], { ca })
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text).access_token
}

test('contract: the example APIs answer when the server is ready, and demo.json says where', async () => {
  const { apiPort } = place
  const demo = readDemo()
  const urls = Object.entries(demo.tenants).flatMap(([id, { api_url: url }]) => (url ? [[id, url]] : []))
  assert.deepEqual(urls, [
    ['nxtsoft', `https://localhost:${apiPort + 1}`],
    ['token', `https://localhost:${apiPort}`],
  ])
  const printed = running().stdout()
  assert.match(printed, new RegExp(`^notarizations +https://localhost:${apiPort} +token$`, 'm'))
  assert.match(printed, new RegExp(`^transactions +https://localhost:${apiPort + 1} +nxtsoft$`, 'm'))
  const stamps = `${demo.tenants.token?.api_url}/notarizations/stamps`
  const headers = { authorization: `Bearer ${await tokenOf(demo, 'token')}` }
  assert.equal((await ask(stamps, { ca: demo.ca, headers })).text, '{"stamps":[]}')
  assert.equal((await ask(stamps, { ca: demo.ca })).status, 401)
})

test('issue 6, 4; 001-04, 001-07, 001-20: of the two apps of NXTsoft in demo.json each gets its own scope, and calls its own endpoint', async () => {
  const { ca, tenants } = readDemo()
  const { nxtsoft = assert.fail('there is no nxtsoft') } = tenants
  const scopes = Object.entries(nxtsoft.apps).map(([id, { scope }]) => [id, scope])
  assert.deepEqual(scopes, [
    ['payment-poster', 'transactions/post'],
    ['message-checker', 'transactions/mock'],
  ])
  const statuses = async ({ client_id: id, client_secret: secret, scope }: (typeof nxtsoft.apps)[string]) => {
    const answer = await askToken(nxtsoft.path_token_url, [id, secret], { ca })
    const { access_token: token, ...rest } = JSON.parse(answer.text)
    assert.deepEqual(rest, { expires_in: 3600, token_type: 'Bearer' })
    assert.equal(JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()).scope, scope)
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = '{"reference":"invoice-7","account":"A-1","cents":1250,"currency":"USD"}'
    const called = ['mock', 'post'].map((path) =>
      ask(`${nxtsoft.api_url}/transactions/${path}`, { ca, method: 'POST', headers, body }),
    )
    return (await Promise.all(called)).map(({ status }) => status)
  }
  const [poster, checker] = Object.values(nxtsoft.apps)
  assert.deepEqual(await Promise.all([poster, checker].map((app) => statuses(app ?? assert.fail()))), [
    [403, 201],
    [200, 403],
  ])
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

test('issue 6, 4: the printed line, copied, calls an API with a token', {
  skip: hasCurl ? false : 'no curl on this machine',
}, () => {
  const line = /^Call an API .*\n {2}(curl .*)$/m.exec(running().stdout())?.[1] ?? ''
  const called = spawnSync('bash', ['-c', line], { cwd: place.folder, encoding: 'utf8' })
  assert.deepEqual([called.status, called.stdout], [0, '{"stamps":[]}'], called.stderr)
})

const hasPgrep = spawnSync('pgrep', ['--version']).error === undefined

test('issue 6, 4: an API that ends is told by its name, and the server goes on', {
  skip: hasPgrep ? false : 'no pgrep on this machine',
}, async () => {
  const args = ['-P', `${running().child.pid}`, '-f', 'examples/notarizations']
  const found = spawnSync('pgrep', args, { encoding: 'utf8' })
  process.kill(Number(found.stdout.trim()), 'SIGKILL')
  const told = /^The example API notarizations has ended \(SIGKILL\)\. The server goes on without it\.$/m
  await running().says(told)
  assert.ok(await tokenOf(readDemo(), 'nxtsoft'))
})

test('issue 6, 4: SIGTERM ends the server and its APIs, and nothing is said of them', async () => {
  const { code, stdout, stderr } = await running().stop()
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /\nStopping …\nStopped\.\n$/)
  assert.deepEqual([await isTaken(place.apiPort), await isTaken(place.apiPort + 1)], [false, false])
})

test('issue 6, 4: a busy port is told, and neither the server nor the other API goes without; killed, it leaves none behind', async (t) => {
  const { apiPort } = place
  await occupy(t, { port: apiPort })
  const second = await startDev(apiPort)
  t.after(() => second.stop('SIGKILL'))
  const told = `Port ${apiPort} is already in use, so the example API notarizations is not started. Another port: --api-port; none: --api-port 0.`
  assert.ok(second.stdout().split('\n').includes(told), second.stdout())
  const { token, nxtsoft } = readDemo().tenants
  assert.deepEqual([token?.api_url, nxtsoft?.api_url], [undefined, `https://localhost:${apiPort + 1}`])
  await second.stop('SIGKILL')
  await untilFree(apiPort + 1)
})
