/** docs/authentication.md tells the truth: its commands are run in order, against a server whose outside world is played. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { ensureLocalCertificate } from '../packages/server/src/dev/local-ca.ts'
import { systemEffects } from '../packages/server/src/effects.ts'
import { createLog } from '../packages/server/src/http/log.ts'
import { loadTls } from '../packages/server/src/http/tls.ts'
import { createServer, type Server } from '../packages/server/src/main.ts'
import { type OpenStore, openStore } from '../packages/server/src/open-store.ts'
import type { FetchJson } from '../packages/server/src/outbound/fetch-json.ts'
import { commandLine, freePorts } from '../packages/server/test/cli/processes.ts'
import { type Key, makeKey, sign } from '../packages/server/test/oauth/signed.ts'
import { assertShape, blocksIn, type Command, commandsIn, has, root, textOf } from './document-commands.ts'

const document = 'docs/authentication.md'
const [port = 0, certificatePort = 0] = await freePorts(2)
const origin = `https://localhost:${port}`
const folder = mkdtempSync(join(tmpdir(), 'sallyport-authentication-'))
const learnt = { secret: '', nonce: '' }

interface World {
  readonly server: Server
  readonly store: OpenStore
  readonly environment: Readonly<Record<string, string>>
  close(): void
}
let world: World | undefined

/** What the document's issuers have signed. */
const subjects: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'https://token.actions.githubusercontent.com': {
    sub: 'repo:first-partner/shop:ref:refs/heads/main',
    repository_owner_id: '4711',
  },
  'https://gitlab.com': {
    sub: 'project_path:first-partner/shop:ref_type:branch:ref:main',
    ref_protected: 'true',
  },
  'https://cluster.first-partner.example': { sub: 'system:serviceaccount:shop:worker' },
  'https://spire.first-partner.example': { sub: 'spiffe://first-partner.example/shop/worker' },
  'https://login.cloud.example': {
    sub: '8d1f0c5e-job',
    aud: 'api://sallyport',
    tenant: 'first-partner',
  },
}

const tokenOf = (
  key: Key,
  issuer: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> => {
  const now = systemEffects.clock()
  const claims = { iss: issuer, aud: `${origin}/federation`, iat: now, exp: now + 300 }
  return sign(key, { ...claims, ...subjects[issuer], ...changes }, { kid: 'theirs' })
}

/** Every issuer has the same key; the warehouse publishes what the document has it make. */
function outside(key: Key): FetchJson {
  const keySet = { keys: [{ ...key.publicJwk, kid: 'theirs' }] }
  return async (url) => {
    const issuer = Object.keys(subjects).find((name) => url.startsWith(`${name}/`))
    const isMetadata = url.endsWith('/.well-known/openid-configuration')
    if (url === 'https://warehouse.example/jwks.json')
      return {
        ok: true,
        value: JSON.parse(readFileSync(join(folder, 'try/jwks.json'), 'utf8')),
        maxAgeSeconds: null,
      }
    if (issuer === undefined) return { ok: false, reason: 'it answers 404' }
    return {
      ok: true,
      value: isMetadata ? { issuer, jwks_uri: `${issuer}/keys` } : keySet,
      maxAgeSeconds: null,
    }
  }
}

/** Where a job at GitHub asks for its token. */
async function startTokenService(key: Key) {
  const service = createHttpServer(async (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (request.headers.authorization !== 'Bearer job') return void response.writeHead(401).end()
    const aud = searchParams.get('audience')
    const value = await tokenOf(key, 'https://token.actions.githubusercontent.com', { aud })
    response.end(JSON.stringify({ count: 1, value }))
  }).listen(0, '127.0.0.1')
  await once(service, 'listening')
  const address = service.address()
  const at = typeof address === 'object' && address ? address.port : 0
  return { service, url: `http://127.0.0.1:${at}/token?api-version=2` }
}

async function startWorld(): Promise<World> {
  const key = await makeKey('RS256')
  const { service, url } = await startTokenService(key)
  const data = join(folder, 'data')
  mkdirSync(data)
  symlinkSync(join(root, 'docs'), join(folder, 'docs'))
  const certificate = await ensureLocalCertificate({
    folder: data,
    hosts: ['localhost'],
    effects: systemEffects,
  })
  const store = await openStore({ data_folder: data, database_url: null, master_key: null }, systemEffects)
  const server = createServer({
    store,
    effects: systemEffects,
    log: createLog({ clock: systemEffects.wallClock, level: 'silent' }),
    baseUrl: new URL(origin),
    clientCacheEntries: 100,
    tls: await loadTls(certificate),
    mtlsUrl: new URL(`https://localhost:${certificatePort}`),
    fetchJson: outside(key),
  })
  await server.listen({ hosts: ['127.0.0.1'], port })
  await server.listenMtls({ hosts: ['127.0.0.1'], port: certificatePort })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('pod-token', await tokenOf(key, 'https://cluster.first-partner.example'))
  write('svid.jwt', await tokenOf(key, 'https://spire.first-partner.example'))
  write('id-token.jwt', await tokenOf(key, 'https://login.cloud.example'))
  const otherBranch = { sub: 'repo:first-partner/shop:ref:refs/heads/fix' }
  write('other-branch.jwt', await tokenOf(key, 'https://token.actions.githubusercontent.com', otherBranch))
  const environment = {
    ACTIONS_ID_TOKEN_REQUEST_URL: url,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'job',
    ORDERS_TOKEN: await tokenOf(key, 'https://gitlab.com'),
  }
  return { server, store, environment, close: () => service.close() }
}

before(async () => {
  world = await startWorld()
})
after(async () => {
  await world?.server.close()
  world?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The command with what a reader fills in. */
const filled = ({ text }: Command): string =>
  text
    .replaceAll('npm run sallyport -- federation test', `$& --base-url ${origin}`)
    .replaceAll('npm run sallyport --', `'${process.execPath}' '${commandLine}'`)
    .replaceAll(/(?<=\$\()node |(?<= )node |^node /gm, `'${process.execPath}' `)
    .replaceAll('https://localhost:8443', origin)
    .replaceAll('https://localhost:8444', `https://localhost:${certificatePort}`)
    .replaceAll('/var/run/sallyport/token', 'pod-token')
    .replaceAll(/CLIENT_SECRET(?!=)/g, learnt.secret)
    .replaceAll(/\bNONCE\b/g, learnt.nonce)
    .replaceAll(/^curl /gm, 'curl --silent --show-error ')

/** Not synchronously: the server that it asks is this process. */
async function runInShell(command: string) {
  const child = spawn('bash', ['-c', `set -e\n${command}`], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...world?.environment },
    // With a pipe there, bash takes itself for a remote shell and reads somebody's profile.
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...output }
}

const missing = ['curl', 'openssl'].filter((tool) => !has(tool))

for (const [index, command] of commandsIn(document).entries()) {
  const title = `${document}, command ${index + 1}: ${command.text.split('\n')[0]?.slice(0, 90)}`
  test(title, { skip: missing.length > 0 && `no ${missing} on this machine` }, async () => {
    const { code, stdout, stderr } = await runInShell(filled(command))
    const isTold = command.text.includes('federation test')
    assert.equal(code, isTold ? 1 : 0, stdout + stderr)
    if (command.output !== undefined)
      assertShape(stdout.replace(/(?<=DPoP-Nonce: ).*/, 'NONCE'), command.output)
    else if (command.text.includes('/oauth2/token')) assert.match(stdout, /"access_token":/)
    learnt.secret = /sp_test_\w+/.exec(stdout)?.[0] ?? learnt.secret
    learnt.nonce = /^DPoP-Nonce: (\S+)/m.exec(stdout)?.[1] ?? learnt.nonce
    await world?.store.db.changes.catchUp()
  })
}

/** The apps of the examples with the tenants they are of. */
function exampleParts(): Record<string, unknown>[] {
  const examples = join(root, 'docs/examples/authentication')
  const files = readdirSync(examples).filter((name) => name.endsWith('.yaml'))
  return files.flatMap((name) =>
    parse(readFileSync(join(examples, name), 'utf8')).tenants.flatMap(
      (tenant: { organizations: { apps: Record<string, unknown>[] }[] }) => [
        tenant,
        ...tenant.organizations.flatMap(({ apps }) => apps),
      ],
    ),
  )
}

test(`${document}: the lines of blueprints that it shows stand in the examples that are applied`, () => {
  const parts = exampleParts()
  const isThere = (lines: Readonly<Record<string, unknown>>) =>
    parts.some((part) => Object.entries(lines).every(([name, value]) => isDeepStrictEqual(part[name], value)))
  const strange = blocksIn(document, 'yaml').filter((block) => !isThere(parse(block)))
  assert.deepEqual(strange, [])
})

test(`${document}: links within it lead to headings`, () => {
  const anchors = [...textOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  const links = [...textOf(document).matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor)
  assert.deepEqual(
    links.filter((anchor) => !anchors.includes(anchor)),
    [],
  )
})
