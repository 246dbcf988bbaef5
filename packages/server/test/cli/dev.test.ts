/** `sallyport dev` as a newcomer meets it: what it prints, what it leaves on the disk, and what a second start makes of that. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DemoTenant } from '../../src/dev/demo-file.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { modeOf, readDemo, ready, startIn, useFirstStart } from './first-start.ts'
import { ask, askToken, freePorts, run } from './processes.ts'

const first = useFirstStart()

test('contract: the first start prints a table of tenants, a curl line and the ready line, and SIGTERM ends it with 0', () => {
  const { stdout, port, data, outcome } = first()
  const lines = stdout.trimEnd().split('\n')
  assert.equal(lines.at(-1), `Sallyport is ready: https://localhost:${port}`)
  const head = lines.findIndex((line) => /^TENANT {2,}TOKEN URL {2,}CLIENT ID$/.test(line))
  const rows = lines.slice(head + 1, lines.indexOf('', head)).map((line) => line.split(/ {2,}/))
  assert.deepEqual(
    rows.map(([tenant]) => tenant),
    ['nanotrust', 'nitrobox', 'nitrobox-live', 'nxtsoft', 'token', 'tokenos'],
  )
  const { tenants } = readDemo(data)
  for (const [tenant = '', url, id] of rows)
    assert.deepEqual([url, id], [tenants[tenant]?.token_url, tenants[tenant]?.client_id])
  assert.equal(outcome.code, 0)
  assert.equal(outcome.stderr, '')
  assert.match(outcome.stdout, /\nStopping …\nStopped\.\n$/)
})

test('contract: demo.json has the members that scripts rely on, and is for its owner alone', () => {
  const { port, data } = first()
  const demo = readDemo(data)
  assert.equal(demo.url, `https://localhost:${port}`)
  assert.equal(demo.ca, join(data, 'ca.pem'))
  for (const [tenant, entry] of Object.entries(demo.tenants)) {
    const expected = ['issuer', 'token_url', 'path_token_url', 'token_issuer', 'jwks_uri', 'path_jwks_uri']
    const ofApp = ['client_id', 'client_secret', 'scope', 'audience']
    assert.deepEqual(Object.keys(entry), [...expected, ...ofApp, 'apps', 'introspection'])
    const [shown = assert.fail(`${tenant} has no app`), ...others] = Object.values(entry.apps)
    const { client_id, client_secret, scope } = entry
    assert.deepEqual(shown, { client_id, client_secret, scope })
    for (const other of others) assert.deepEqual(Object.keys(other), ['client_id', 'client_secret', 'scope'])
    assert.ok(entry.introspection)
    assert.deepEqual(Object.keys(entry.introspection), ['url', 'path_url', 'client_id', 'client_secret'])
    assert.equal(entry.introspection.url, `${entry.issuer}/oauth2/introspect`)
    assert.equal(entry.introspection.path_url, `${demo.url}/${tenant}/oauth2/introspect`)
    assert.equal(entry.path_jwks_uri, `${demo.url}/${tenant}/oauth2/jwks`)
    assert.equal(entry.path_token_url, `${demo.url}/${tenant}/oauth2/token`)
    assert.match(entry.client_secret, tenant === 'nitrobox-live' ? /^sp_live_/ : /^sp_test_/)
  }
  for (const file of ['demo.json', 'master.key', 'ca.key', 'server.key', 'sallyport.db'])
    assert.equal(modeOf(join(data, file)), '600', file)
  assert.equal(modeOf(data), '700')
})

test('contract: a second start keeps everything, and every tenant gives a token to what demo.json says', async (t) => {
  const folder = first().copyFor(t)
  const [port = 0] = await freePorts(1)
  const one = startIn(t, folder, { port })
  await one.says(ready(port))
  assert.doesNotMatch(one.stdout(), /no longer in demo\.json|Made a certificate/)
  const demo = readDemo(folder)
  for (const [tenant, { client_id, client_secret }] of Object.entries(readDemo(first().data).tenants))
    assert.deepEqual(
      [demo.tenants[tenant]?.client_id, demo.tenants[tenant]?.client_secret],
      [client_id, client_secret],
    )
  for (const { path_token_url: url, client_id: id, client_secret: secret } of Object.values(demo.tenants)) {
    const { status, text } = await askToken(url, [id, secret], { ca: demo.ca })
    assert.equal(status, 200, `${url} ${text}`)
  }
  const jwks = await ask(`${demo.url}/tokenos/oauth2/jwks`, { ca: demo.ca })
  assert.equal((await one.stop()).code, 0)

  const before = readFileSync(join(folder, 'demo.json'))
  const two = startIn(t, folder, { port })
  await two.says(ready(port))
  assert.deepEqual(readFileSync(join(folder, 'demo.json')), before)
  assert.equal((await ask(`${demo.url}/tokenos/oauth2/jwks`, { ca: demo.ca })).text, jwks.text)
  assert.equal((await two.stop()).code, 0)
})

test('settled, set-up: a demo.json of before it had all apps keeps what it has, and gets the others', async (t) => {
  const folder = first().copyFor(t)
  const withoutApps = ([id, { apps: _, ...entry }]: [string, DemoTenant]) => [id, entry] as const
  const tenants = Object.fromEntries(Object.entries(readDemo(folder).tenants).map(withoutApps))
  writeFileSync(join(folder, 'demo.json'), JSON.stringify({ ...readDemo(folder), tenants }))
  const [port = 0] = await freePorts(1)
  await startIn(t, folder, { port }).says(ready(port))
  const { ca, tenants: now } = readDemo(folder)
  const { nxtsoft } = now
  assert.equal(nxtsoft?.client_secret, tenants.nxtsoft?.client_secret)
  const { client_id = '', client_secret = '' } = nxtsoft?.apps['message-checker'] ?? {}
  const answer = await askToken(nxtsoft?.path_token_url ?? '', [client_id, client_secret], { ca })
  assert.equal(answer.status, 200, answer.text)
})

test('settled, set-up: an entry lost from demo.json gets a new secret beside the old one, and the start says so', async (t) => {
  const folder = first().copyFor(t)
  const { tokenos, ...others } = readDemo(first().data).tenants
  assert.ok(tokenos)
  writeFileSync(join(folder, 'demo.json'), JSON.stringify({ ...readDemo(folder), tenants: others }))
  const [port = 0] = await freePorts(1)
  const running = startIn(t, folder, { port })
  const output = await running.says(ready(port))
  assert.match(
    output,
    /^The secret of tenant tokenos was no longer in demo\.json: a new one was added beside it\.$/m,
  )
  assert.equal(output.split('no longer in demo.json').length, 2)
  const demo = readDemo(folder)
  const now = demo.tenants.tokenos
  assert.ok(now && now.client_id === tokenos.client_id && now.client_secret !== tokenos.client_secret)
  for (const secret of [tokenos.client_secret, now.client_secret])
    assert.equal((await askToken(now.path_token_url, [now.client_id, secret], { ca: demo.ca })).status, 200)
  assert.equal(modeOf(join(folder, 'demo.json')), '600')
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

test('issue 2, how it must feel: the printed curl line, copied, gets a token, which inspect calls good', {
  skip: hasCurl ? false : 'no curl on this machine',
}, async (t) => {
  const folder = first().copyFor(t)
  const [port = 0] = await freePorts(1)
  const running = startIn(t, folder, { port, cwd: join(folder, '..') })
  const output = await running.says(ready(port))
  const line = /^ {2}(curl .*)$/m.exec(output)?.[1] ?? ''
  const curl = spawnSync('bash', ['-c', line], { cwd: join(folder, '..'), encoding: 'utf8' })
  assert.equal(curl.status, 0, curl.stderr)
  const { access_token: token, token_type: type } = JSON.parse(curl.stdout)
  assert.equal(type, 'Bearer')
  assert.match(output, /^ {2}npm run sallyport -- inspect TOKEN$/m)
  const inspected = await run(['inspect', token], { cwd: join(folder, '..') })
  assert.match(inspected.stdout, /^Good, for \d+ more seconds\.\n\nSigned by tenant tokenos /)
  assert.equal(inspected.code, 0)
})

test('settled, on the wire: plain HTTP is refused with a JSON error on its own port and on the main one', async (t) => {
  const folder = first().copyFor(t)
  const [port = 0, httpPort = 0] = await freePorts(2)
  const running = startIn(t, folder, { port, httpPort })
  await running.says(ready(port))
  const { status, headers, text } = await ask(`http://localhost:${httpPort}/tokenos/oauth2/token`)
  assert.deepEqual([status, headers.location], [403, undefined])
  assert.equal(typeof JSON.parse(text).error, 'string')
  assert.equal((await running.stop('SIGINT')).code, 0)
})

test('issue 2 item 2: an empty folder that exists already is used as it is', async (t) => {
  const folder = join(temporaryFolder(t), 'da ta')
  mkdirSync(folder)
  const [port = 0] = await freePorts(1)
  const output = await startIn(t, folder, { port }).says(ready(port))
  assert.match(output, /curl --cacert '.*da ta\/ca\.pem'/)
})
