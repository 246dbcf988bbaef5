/** `sallyport federation test` in a terminal: which rule lets a token in, and why the others do not. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { blueprint, type Part, app as sampleApp, tenant } from '../oauth/sample.ts'
import { makeKey, sign } from '../oauth/signed.ts'
import { startHost } from '../outbound/https-host.ts'
import { run } from './processes.ts'

let root = ''
// A host that cannot exist, so that no test asks anybody.
const issuer = 'https://issuer.invalid'

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-federation-'))
  const credentials = [
    { id: 'main-branch', federation: { issuer, subject: 'repo:octo/robot:ref:refs/heads/main' } },
    { id: 'production', federation: { issuer, subject: 'repo:octo/robot:environment:production' } },
  ]
  const robot = sampleApp('robot', { client_id: 'robot', client_authentication: ['federation'], credentials })
  writeFileSync(join(root, 'blueprint.yaml'), blueprint(tenant('acme', [robot])))
  assert.equal((await run(['apply', 'blueprint.yaml'], { cwd: root })).code, 0)
})
after(() => rmSync(root, { recursive: true }))

/** Of the main branch, for a minute from now on. */
const tokenFor = async (claims: Readonly<Record<string, unknown>>) => {
  const exp = Math.floor(Date.now() / 1000) + 60
  const sub = 'repo:octo/robot:ref:refs/heads/main'
  return sign(await makeKey(), { iss: issuer, sub, exp, ...claims })
}

test('issue 3, item 3: the reasons of every rule are told, and what the token says, without driving the terminal', async () => {
  const token = await tokenFor({ aud: 'https://other.example', x: '\u001b[31m' })
  const { code, stdout, stderr } = await run(['federation', 'test', token], { cwd: root })
  assert.equal(code, 1)
  assert.equal(stderr, '')
  assert.match(stdout, /^No rule lets this token in\.\n/)
  assert.match(
    stdout,
    /acme \/ robot \(client id robot\), rule main-branch\n {2}aud is not https:\/\/localhost:8443\/acme\n/,
  )
  assert.match(
    stdout,
    /rule production\n {2}aud is not [^\n]+\n {2}sub does not match repo:octo\/robot:environment:production\n/,
  )
  assert.match(stdout, /The token says\n {2}iss {2}https:\/\/issuer\.invalid\n/)
  assert.equal(stdout.includes('\u001b'), false)
})

test('issue 3, item 3: keys that cannot be had are said with the URL, and JSON is for machines', async () => {
  const token = await tokenFor({ aud: 'https://localhost:8443/acme' })
  const { code, stdout, stderr } = await run(['federation', 'test', '--json', '--tenant', 'acme'], {
    cwd: root,
    input: token,
  })
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^https:\/\/issuer\.invalid\/\.well-known\/openid-configuration could not be fetched: /,
  )
  const [first, second] = JSON.parse(stdout).rules
  assert.deepEqual(first.reasons, ['no key of the issuer could be had'])
  assert.deepEqual(second.reasons, ['sub does not match repo:octo/robot:environment:production'])
})

test('issue 3, item 3: what is no token is said to be none', async () => {
  const { code, stdout } = await run(['federation', 'test', 'x.y.z'], { cwd: root })
  assert.equal(code, 1)
  assert.equal(stdout, 'This is no signed JWT.\n')
})

test('issue 3, item 3: a tenant has the names of its hosts too, and what does not exist is said not to', async () => {
  const now = Math.floor(Date.now() / 1000)
  const pinned = (id: string, more: Part) =>
    tenant(
      id,
      [
        sampleApp('robot', {
          client_id: `${id}-robot`,
          client_authentication: ['federation'],
          credentials: [{ id: 'rule', federation: { issuer, subject: 'job' } }],
          ...more,
        }),
      ],
      { hosts: [`${id}.example.com`] },
    )
  writeFileSync(join(root, 'more.yaml'), blueprint(pinned('hosted', {}), tenant('ruleless', [])))
  assert.equal((await run(['apply', 'more.yaml'], { cwd: root })).code, 0)
  const test = async (tenantId: string, aud: string) => {
    const token = await sign(await makeKey(), { iss: issuer, aud, sub: 'job', exp: now + 60 })
    return run(['federation', 'test', '--tenant', tenantId, token], { cwd: root })
  }
  const hosted = await test('hosted', 'https://hosted.example.com:8443')
  assert.doesNotMatch(hosted.stdout, /aud is not/)
  assert.match(
    (await test('hosted', 'https://hosted.example.com')).stdout,
    /aud is not https:\/\/localhost:8443\/hosted\n/,
  )
  assert.deepEqual(await test('nobody', 'x').then(({ code, stdout }) => [code, stdout]), [
    1,
    'There is no tenant nobody.\n',
  ])
  assert.match((await test('ruleless', 'x')).stdout, /^No app of tenant ruleless has a federation rule\./)
})

test('issue 3, item 3: --base-url says what the server is called, and what cannot be one is refused', async () => {
  const token = await tokenFor({ aud: 'https://auth.example.com:9443/acme' })
  const given = (url: string) =>
    run(['federation', 'test', '--tenant', 'acme', '--base-url', url, token], { cwd: root })
  assert.doesNotMatch((await given('https://auth.example.com:9443/')).stdout, /aud is not/)
  assert.match(
    (await given('https://auth.example.com')).stdout,
    /aud is not https:\/\/auth\.example\.com\/acme\n/,
  )
  for (const url of ['auth.example.com', 'http://auth.example.com', 'https://auth.example.com/acme']) {
    const { code, stderr } = await given(url)
    assert.equal(code, 2)
    assert.match(stderr, /Give an https URL without a path, such as https:\/\/auth\.example\.com\./)
  }
})

test('issue 3, item 3: a rule without audience is held against the URL that demo.json, a variable or the flag says', async (t) => {
  const data = join(root, 'data')
  const demo = join(data, 'demo.json')
  t.after(() => rmSync(demo, { force: true }))
  const at = async (port: number, environment: Readonly<Record<string, string>> = {}) => {
    const token = await tokenFor({ aud: `https://localhost:${port}/acme` })
    const args = ['federation', 'test', '--tenant', 'acme', '--data', data, token]
    return (await run(args, { cwd: root, environment })).stdout
  }
  const assumed =
    /\n\nNothing says where the server is reached, so https:\/\/localhost:8443 was assumed\. Name it with --base-url, or its configuration with --config\.\n$/
  assert.match(await at(27_443), assumed)
  assert.doesNotMatch(await at(8443), /was assumed/)
  const assumedOf = async (...more: string[]) => {
    const token = await tokenFor({ aud: 'https://localhost:8443/acme' })
    const args = ['federation', 'test', '--tenant', 'acme', '--data', data, '--json', ...more, token]
    return JSON.parse((await run(args, { cwd: root })).stdout).assumedUrl
  }
  assert.equal(await assumedOf(), 'https://localhost:8443')
  assert.equal(await assumedOf('--base-url', 'https://localhost:8443'), null)
  writeFileSync(demo, JSON.stringify({ url: 'https://localhost:27443' }))
  assert.doesNotMatch(await at(27_443), /aud is not|was assumed/)
  const elsewhere = await at(8443)
  assert.match(elsewhere, /aud is not https:\/\/localhost:27443\/acme\n/)
  assert.doesNotMatch(elsewhere, /was assumed/)
  const environment = { SALLYPORT_BASE_URL: 'https://localhost:9443' }
  assert.doesNotMatch(await at(9443, environment), /aud is not/)
  writeFileSync(demo, JSON.stringify({ url: 'no URL' }))
  assert.match(await at(27_443), assumed)
})

test('issue 3, item 3: variables say where keys may be fetched, as they do for apply', async (t) => {
  const host = await startHost(t, ['127.0.0.1'], (_request, response) => response.writeHead(404).end())
  const local = `https://127.0.0.1:${host.port}`
  const credentials = [{ id: 'rule', federation: { issuer: local, subject: 'job' } }]
  const robot = sampleApp('robot', {
    client_id: 'local-robot',
    client_authentication: ['federation'],
    credentials,
  })
  writeFileSync(join(root, 'local.yaml'), blueprint(tenant('local', [robot])))
  const authority = join(root, 'authority.pem')
  writeFileSync(authority, host.authority)
  const environment = {
    SALLYPORT_OUTBOUND_ALLOWED_NETWORKS: '127.0.0.1',
    SALLYPORT_OUTBOUND_CA_FILE: authority,
  }
  assert.equal((await run(['apply', 'local.yaml'], { cwd: root, environment })).code, 0)
  const token = await tokenFor({ iss: local, sub: 'job', aud: 'https://localhost:8443/local' })
  const args = ['federation', 'test', '--tenant', 'local', token]
  assert.match((await run(args, { cwd: root })).stderr, /has an address that is not public\.\n$/)
  assert.match(
    (await run(args, { cwd: root, environment })).stderr,
    /could not be fetched: it answers 404\.\n$/,
  )
})
