// The webhook against real listeners: what is sent can be proven to be ours, and nothing that answers can hold us.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createWebhook, type WebhookOptions } from '../../src/audit/webhook.ts'
import { readAuditLine } from '../../src/audit/written-record.ts'
import { startHost } from '../outbound/https-host.ts'
import { auditRecord, notAborted } from './sample.ts'

interface Call {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const now = 1_800_000_123
const secret = 'a secret of the webhook'

const records = [auditRecord(1), auditRecord(2, { outcome: 'refused', reason: 'forbidden' })]

/** Answers each call with the next of these statuses, the last one for ever. */
function recorder(statuses: number[], calls: Call[]): RequestListener {
  return async (request, response) => {
    const chunks = await Array.fromAsync(request)
    calls.push({ method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString() })
    const status = statuses.length > 1 ? (statuses.shift() ?? 0) : (statuses[0] ?? 0)
    response.writeHead(status, { Location: '/elsewhere' }).end()
  }
}

async function startPlain(t: TestContext, listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=x`)
}

const webhook = (url: URL, options: Partial<WebhookOptions> = {}) =>
  createWebhook({ url, secret, clock: () => now, ...options })

test('issue Audit: a webhook gets the records as lines, with a signature over the time and the body', async (t) => {
  const calls: Call[] = []
  const url = await startPlain(t, recorder([204], calls))
  await webhook(url).send(records, notAborted)
  const [call] = calls
  assert.equal(`${call?.method} ${call?.headers['content-type']}`, 'POST application/x-ndjson')
  const lines = (call?.body ?? '').trimEnd().split('\n')
  assert.deepEqual(lines.map(readAuditLine), records)
  const digest = createHmac('sha256', secret).update(`${now}.${call?.body}`).digest('hex')
  assert.equal(call?.headers['sallyport-signature'], `t=${now},v1=${digest}`)
  await webhook(url, { secret: null }).send(records, notAborted)
  assert.equal(calls[1]?.headers['sallyport-signature'], undefined)
})

test('issue Audit: only 2xx counts, and no redirect is followed', async (t) => {
  const calls: Call[] = []
  const statuses = [500, 404, 301, 307, 308, 200, 202]
  const url = await startPlain(t, recorder([...statuses], calls))
  const outcomes: string[] = []
  for (const _ of statuses)
    await webhook(url)
      .send(records, notAborted)
      .then(
        () => outcomes.push('taken'),
        (error: Error) => outcomes.push(error.message),
      )
  const refusals = [500, 404, 301, 307, 308].map((status) => `it answers ${status}`)
  assert.deepEqual(outcomes, [...refusals, 'taken', 'taken'])
  assert.equal(calls.length, statuses.length)
})

test('issue Audit: a body without end is not read, and does not keep the records from counting', async (t) => {
  let sent = 0
  let closed: Promise<unknown> = Promise.resolve()
  const url = await startPlain(t, (request, response) => {
    request.resume()
    closed = once(response, 'close')
    response.writeHead(200)
    const chunk = Buffer.alloc(65_536)
    const flood = () => {
      while (!response.destroyed && sent < 1e9) {
        sent += chunk.length
        if (!response.write(chunk)) return void response.once('drain', flood)
      }
    }
    flood()
  })
  await webhook(url).send(records, notAborted)
  await closed
  assert.ok(sent < 50e6, `${sent} bytes were taken`)
})

test('issue Audit: a host that says nothing is given up, and so is one at which we stop', async (t) => {
  const server = createSocketServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await assert.rejects(webhook(url, { timeoutMilliseconds: 20 }).send(records, notAborted))
  const stopping = new AbortController()
  const sending = webhook(url).send(records, stopping.signal)
  await once(server, 'connection')
  stopping.abort()
  await assert.rejects(sending)
})

test('issue Audit: a host that closes, switches protocols or is not there is a failure like any other', async () => {
  const answers = [
    '',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    'nonsense\r\n\r\n',
  ]
  const server = createSocketServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answers.shift() ?? ''))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  for (let left = answers.length; left > 0; left -= 1)
    await assert.rejects(webhook(url).send(records, notAborted))
  server.close()
  await once(server, 'close')
  await assert.rejects(webhook(url).send(records, notAborted), /ECONNREFUSED/)
})

test('issue Audit: over TLS the certificate must be of the host and of an authority that is trusted', async (t) => {
  const calls: Call[] = []
  const host = await startHost(t, ['127.0.0.1'], recorder([200], calls))
  const stranger = await startHost(t, ['other.example'], recorder([200], calls))
  const url = (port: number) => new URL(`https://127.0.0.1:${port}/`)
  const send = (port: number, authorities: readonly string[]) =>
    webhook(url(port), { authorities }).send(records, notAborted)
  await assert.rejects(send(host.port, []))
  await assert.rejects(send(stranger.port, [stranger.authority]))
  assert.equal(calls.length, 0)
  await send(host.port, [host.authority])
  assert.equal(calls.length, 1)
})

test('RFC 9325 §4.2: a webhook that has only TLS 1.2 with CBC gets no record, and one with GCM gets them', async (t) => {
  const calls: Call[] = []
  const sendTo = async (ciphers: string) => {
    const host = await startHost(t, ['127.0.0.1'], recorder([200], calls), { maxVersion: 'TLSv1.2', ciphers })
    const url = new URL(`https://127.0.0.1:${host.port}/`)
    await webhook(url, { authorities: [host.authority] }).send(records, notAborted)
  }
  for (const ciphers of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA'])
    await assert.rejects(sendTo(ciphers), /handshake failure/, ciphers)
  assert.equal(calls.length, 0)
  await sendTo('ECDHE-ECDSA-AES128-GCM-SHA256')
  assert.equal(calls.length, 1)
})
