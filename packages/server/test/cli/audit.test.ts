/** `sallyport audit` in a terminal: what is whole, what is wrong, and an export that proves itself without a database. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { freePorts, type Outcome, run, startFor } from './processes.ts'

let root = ''

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-audit-'))
  writeFileSync(
    join(root, 'blueprint.yaml'),
    blueprint(tenant('acme', [app('sync')]), tenant('umbrella', [])),
  )
  assert.equal((await run(['apply', 'blueprint.yaml'], { cwd: root })).code, 0)
  for (let time = 0; time < 3; time += 1)
    await run(['revoke', '--tenant', 'acme', '--app', 'sync'], { cwd: root })
})
after(() => rmSync(root, { recursive: true }))

const audit = (...args: string[]): Promise<Outcome> => run(['audit', ...args], { cwd: root })

const headNow = async (): Promise<string> => (await audit('head')).stdout.trim()

test('trust R16: a chain that is whole is said to be, up to its head', async () => {
  const head = await headNow()
  assert.match(head, /^\d+:[0-9a-f]{64}$/)
  const [number = '', hash = ''] = head.split(':')
  const { code, stdout, stderr } = await audit('verify', '--head', head)
  assert.equal(`${code} ${stderr}`, '0 ')
  assert.equal(stdout, `The chain is whole: ${number} records, up to ${head}.\n`)
  const json = JSON.parse((await audit('verify', '--json', '--from', number)).stdout)
  assert.deepEqual(json, { whole: true, records: 1, head, fault: null })
  assert.deepEqual(JSON.parse((await audit('head', '--json')).stdout), { number: Number(number), hash })
})

test('trust R16: an export is the chain as lines, proves itself without a database, and is never written over a file', async () => {
  const { stdout } = await audit('export')
  const head = await headNow()
  const file = join(root, 'chain.ndjson')
  assert.equal((await audit('export', '--out', file)).code, 0)
  assert.equal(readFileSync(file, 'utf8'), stdout)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const verify = (...args: string[]) => run(['audit', 'verify', '--file', file, ...args], { cwd: tmpdir() })
  assert.match((await verify('--head', head)).stdout, /^The chain is whole: /)
  const again = await audit('export', '--out', file)
  assert.equal(`${again.code} ${again.stderr}`, `2 There is a file ${file} already.\n`)
  assert.equal(readFileSync(file, 'utf8'), stdout)
  const lines = stdout.split('\n')
  writeFileSync(file, [lines[0], lines[2], lines[1], ...lines.slice(3)].join('\n'))
  const moved = await verify()
  assert.deepEqual([moved.code, moved.stdout.split('\n')[0]], [1, 'Record 3 stands out of order.'])
  writeFileSync(file, lines.slice(0, 2).join('\n'))
  const cut = await verify('--head', head, '--json')
  const { whole, records, fault } = JSON.parse(cut.stdout)
  assert.deepEqual([cut.code, whole, records, fault.number, fault.kind], [1, false, 2, 3, 'cut_off'])
  writeFileSync(file, lines.slice(2).join('\n'))
  assert.match((await verify()).stdout, /^Record 1 is missing\./)
  assert.equal((await verify('--from', '3')).code, 2, 'nothing says what record 3 should follow')
  const { hash } = JSON.parse(lines[1] ?? '')
  assert.equal((await verify('--from', '3', '--head', `2:${hash}`)).code, 0)
})

test('trust R16: of one tenant, and after a record, is what export says', async () => {
  const records = async (...args: string[]) => {
    const { stdout } = await audit('export', ...args)
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  const all = await records()
  const ofAcme = await records('--tenant', 'acme', '--after', '2')
  assert.deepEqual(
    ofAcme,
    all.filter(({ number, tenant }) => tenant === 'acme' && number > 2),
  )
  const { actor, action, target } = all.at(-1)
  assert.match(`${actor}: ${action} ${target}`, /^command revoke \(.+\): revokeTokensOfApp app \S+$/)
})

test('issue 5, 3: an export of a tenant that has never been says so, and one that only has nothing new does not', async () => {
  const none = await audit('export', '--tenant', 'acne')
  assert.deepEqual([none.code, none.stdout], [1, ''])
  assert.match(none.stderr, /^The chain has no record of tenant acne\.$/m)
  const nothingNew = await audit('export', '--tenant', 'acme', '--after', '1000')
  assert.deepEqual([nothingNew.code, nothingNew.stdout], [0, ''])
})

test('trust R16: words that mean nothing are refused before anything is read', async () => {
  for (const [args, sentence] of [
    [['verify', '--from', 'x'], /^--from is a whole number\.\n$/],
    [['verify', '--from', '0'], /^--from begins at 1\.\n$/],
    [['verify', '--head', '12'], /^A --head is NUMBER:HASH/],
    [['verify', '--from', '5', '--head', `1:${'ab'.repeat(32)}`], /^A --head lies before record 4/],
    [['export', '--after', '-1'], /^--after is a whole number\.\n$/],
  ] as const) {
    const { code, stderr } = await audit(...args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, sentence)
  }
  const missing = await audit('verify', '--file', 'nowhere.ndjson')
  assert.equal(
    `${missing.code} ${missing.stderr}`,
    '3 The file nowhere.ndjson cannot be used: it does not exist (ENOENT).\n',
  )
})

test('issue Audit: a server hands the chain on as its configuration says, every record at least once, also over a restart', async (t) => {
  const got: string[] = []
  const signatures: unknown[] = []
  const arrived = Promise.withResolvers<void>()
  const webhook = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString()
    got.push(...body.trimEnd().split('\n'))
    signatures.push(request.headers['sallyport-signature'])
    response.end(() => arrived.resolve())
  }).listen(0, '127.0.0.1')
  await once(webhook, 'listening')
  t.after(() => webhook.close())
  const [port = 0] = await freePorts(1)
  const environment = {
    SALLYPORT_BASE_URL: 'https://auth.example.com',
    SALLYPORT_PROXIES: '127.0.0.1',
    SALLYPORT_LISTEN_PORT: `${port}`,
    SALLYPORT_AUDIT_WEBHOOK_URL: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/audit`,
    SALLYPORT_AUDIT_WEBHOOK_SECRET: 'a secret of the webhook',
  }
  const { stdout: whole } = await audit('export')
  for (const start of ['first', 'second']) {
    const server = startFor(t, ['serve'], { cwd: root, environment })
    await server.says(/"ready"/)
    await arrived.promise
    assert.equal((await server.stop()).code, 0, start)
  }
  assert.equal(`${[...new Set(got)].join('\n')}\n`, whole)
  assert.match(String(signatures[0]), /^t=\d{10},v1=[0-9a-f]{64}$/)
})

test('trust R16: a record that somebody altered in the database is named, and the command fails', async () => {
  const head = await headNow()
  const change = (text: string) => {
    const db = new DatabaseSync(join(root, 'data/sallyport.db'))
    db.exec(text)
    db.close()
  }
  change("update audit_records set actor = 'nobody' where number = 4")
  const { code, stdout, stderr } = await audit('verify', '--head', head)
  assert.equal(`${code} ${stderr}`, '1 ')
  assert.match(
    stdout,
    /^Record 4 is not what was written there: .*\n3 records before it are as they were written\.\n$/,
  )
  assert.equal((await audit('verify', '--from', '5')).code, 0)
  change('delete from audit_records where number = 4')
  assert.match((await audit('verify')).stdout, /^Record 4 is missing\./)
  assert.match((await audit('verify', '--from', '5')).stdout, /^Record 4 is missing\./)
  change('delete from audit_records where number > 3')
  assert.equal((await audit('verify')).code, 0, 'nobody can tell')
  assert.match((await audit('verify', '--head', head)).stdout, /^Record 4 is missing: the chain was cut off/)
})
