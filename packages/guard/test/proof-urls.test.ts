// RFC 9449 §4.3: a proof is for the URL that its client has sent, whatever routers and proxies have made of it since.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as send } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { GuardOptionsError } from '@sallyport/guard'
import { protect as protectExpress } from '@sallyport/guard/express'
import { protect as protectFastify } from '@sallyport/guard/fastify'
import { protect as protectHono } from '@sallyport/guard/hono'
import { protect as protectNode } from '@sallyport/guard/node'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { boundTo, holder, proof } from './proofs.ts'
import { listening, statusOf } from './routes/asked.ts'
import { audience, createWorld, guardOf } from './world.ts'

const shown = (token: string, path: string) => ({
  authorization: `DPoP ${token}`,
  dpop: proof(token, { htu: audience + path }),
})

test('RFC 9449 §4.3: Express: where a router is mounted, a slash at the end is part of the URL or is not', async (t) => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  const router = express.Router()
  router.get('/', protectExpress(guardOf(world)), (_request, response) => void response.end())
  const port = await listening(t, express().use('/v1', router))
  const cases = [
    ...[
      ['/v1', '/v1', 200],
      ['/v1/', '/v1/', 200],
    ],
    ...[
      ['/v1?page=2', '/v1', 200],
      ['/v1/?page=2', '/v1/', 200],
    ],
    ...[
      ['/v1/', '/v1', 401],
      ['/v1', '/v1/', 401],
    ],
  ] as const
  for (const [sent, proven, status] of cases)
    assert.equal(await statusOf(port, `GET ${sent}`, shown(token, proven)), status, `${sent} ${proven}`)
})

test('RFC 9449 §4.3: where a router goes by a rewritten URL, a proof is for the one that was sent', async (t) => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  const endpoints = [{ method: 'GET', path: '/new' }]
  const guard = guardOf(world, { endpoints })
  const onExpress = express()
    .use((request, _response, next) => {
      request.url = '/new'
      next()
    })
    .get('/new', protectExpress(guard), (_request, response) => void response.end())
  const onFastify = fastify({ rewriteUrl: () => '/new' })
  onFastify.get('/new', { onRequest: protectFastify(guard) }, async () => '')
  await onFastify.ready()
  const ports = [
    await listening(t, onExpress),
    await listening(t, (request, response) => onFastify.routing(request, response)),
  ]
  for (const port of ports) {
    assert.equal(await statusOf(port, 'GET /old', shown(token, '/old')), 200)
    assert.equal(await statusOf(port, 'GET /old', shown(token, '/new')), 401)
  }
})

test('RFC 9449 §4.3: what a proxy cuts off stands in every proof, and a proof without it is for another URL', async (t) => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  const guard = guardOf(world, { resource: `${audience}/v1`, dpop: { cutPrefix: '/v1' } })
  const port = await listening(
    t,
    protectNode(guard, (_request, response) => response.end()),
  )
  assert.equal(await statusOf(port, 'GET /invoices', shown(token, '/v1/invoices')), 200)
  assert.equal(await statusOf(port, 'GET /invoices', shown(token, '/invoices')), 401)
  assert.equal(await statusOf(port, 'GET /v1/invoices', shown(token, '/v1/invoices')), 401)
  for (const cutPrefix of ['', 'v1', '/v1/', '/', '/v1?a', '.evil.example', '//evil.example'])
    assert.throws(() => guardOf(world, { dpop: { cutPrefix } }), GuardOptionsError, cutPrefix)
})

test('RFC 9449 §4.3: what Hono cuts off a mounted app stands in every proof, also at the place of the mount itself', async () => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  const guard = guardOf(world, { resource: `${audience}/v1`, dpop: { cutPrefix: '/v1' } })
  const mounted = new Hono().use(protectHono(guard)).all('*', (context) => context.text(context.req.path))
  const app = new Hono().mount('/v1', mounted.fetch)
  for (const [sent, proven, status] of [
    ['/v1/invoices?page=2', '/v1/invoices', 200],
    ['/v1/invoices', '/invoices', 401],
    ['/v1/invoices/', '/v1/invoices', 401],
    // Both are `/` below the mount: nothing tells which of them was sent.
    ['/v1', '/v1', 200],
    ['/v1/?page=2', '/v1/', 200],
    ['/v1', '/', 401],
    ['/v1', '', 401],
    ['/v1', '/v1/invoices', 401],
  ] as const) {
    const answer = await app.request(audience + sent, { headers: shown(token, proven) })
    assert.equal(answer.status, status, `${sent} ${proven}`)
  }
})

const document = readFileSync(new URL('../../../docs/guard.md', import.meta.url), 'utf8')
const [, locations = ''] = /^```nginx\n([\s\S]*?)^```$/m.exec(document) ?? []
const isThere = spawnSync('sh', ['-c', 'command -v nginx']).status === 0

test('RFC 9449 §4.3: behind nginx, as the document sets it up, a proof for the public URL is good and no other', {
  skip: isThere ? false : 'install nginx to run this',
}, async (t) => {
  const world = createWorld()
  const token = world.token(boundTo(holder))
  const guard = guardOf(world, { resource: `${audience}/v1`, dpop: { cutPrefix: '/v1' } })
  const api = await listening(
    t,
    protectNode(guard, (_request, response) => response.end()),
  )
  const socketPath = await startNginx(t, locations.replaceAll('127.0.0.1:3000', `127.0.0.1:${api}`))
  const answerOf = async (path: string, headers = {}) => {
    const [answer] = await once(send({ socketPath, path, headers }).end(), 'response')
    return answer.resume().statusCode
  }
  assert.equal(await answerOf('/v1/invoices?page=2', shown(token, '/v1/invoices')), 200)
  assert.equal(await answerOf('/v1/invoices', shown(token, '/invoices')), 401)
  assert.equal(await answerOf('/invoices', shown(token, '/invoices')), 404)
  assert.equal(await answerOf('/.well-known/oauth-protected-resource/v1'), 200)
})

async function startNginx(t: TestContext, inServer: string): Promise<string> {
  assert.match(inServer, /location/)
  const folder = mkdtempSync(join(tmpdir(), 'guard-nginx-'))
  const socketPath = join(folder, 'socket')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  )
  const file = join(folder, 'nginx.conf')
  const lines = [
    `daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr crit; events {}`,
    `http { access_log off; ${temporary.join(' ')}`,
    `server { listen unix:${socketPath};\n${inServer}}`,
    '}',
  ]
  writeFileSync(file, lines.join('\n'))
  const child = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    rmSync(folder, { recursive: true })
  })
  await answers(socketPath, child)
  return socketPath
}

async function answers(path: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(path)
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) return
    await new Promise(setImmediate)
  }
  assert.fail('nginx has ended')
}
