// Syslog against real sockets: RFC 5424 messages, one a datagram, or counted octets on a connection that must end well.
import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { createSyslog } from '../../src/audit/syslog.ts'
import { syslogMessage } from '../../src/audit/syslog-message.ts'
import { showAuditRecord } from '../../src/audit/written-record.ts'
import { issue, serverAuth, x509 } from '../certificates/issue.ts'
import { auditRecord, notAborted } from './sample.ts'

const records = [auditRecord(1), auditRecord(2), auditRecord(3)]

const sinkAt = (
  url: string,
  options: { authorities?: readonly string[]; timeoutMilliseconds?: number } = {},
) => createSyslog({ url: new URL(url), host: 'auth-1', ...options })

const portOf = (server: Server) => (server.address() as AddressInfo).port

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return portOf(server)
}

/** RFC 6587 §3.4.1, read as a collector does. */
function messagesIn(text: string): string[] {
  const messages: string[] = []
  for (let rest = text; rest !== ''; ) {
    const [counted = '', length = ''] = /^([1-9]\d*) /.exec(rest) ?? assert.fail(`no count: ${rest}`)
    messages.push(rest.slice(counted.length, counted.length + Number(length)))
    rest = rest.slice(counted.length + Number(length))
  }
  return messages
}

test('RFC 5424 §6: a message is one line of ASCII: facility 13, the time of the record, and the record as JSON', () => {
  const message = syslogMessage(auditRecord(7), 'auth 1\u00e4')
  assert.match(message, /^<109>1 2027-01-15T08:00:00\.000Z auth1 sallyport - audit - \{"number":7,/)
  assert.match(message, /^[\x20-\x7e]+$/)
  assert.deepEqual(JSON.parse(message.slice(message.indexOf('{'))), showAuditRecord(auditRecord(7)))
  assert.match(syslogMessage(auditRecord(7, { outcome: 'refused' }), ''), /^<108>1 \S+ - sallyport /)
})

test('RFC 5424 §6: a record that is too long for a datagram comes without its states, and says so', () => {
  const long = auditRecord(7, { after: JSON.stringify('x'.repeat(9000)) })
  const message = syslogMessage(long, 'auth-1', 8192)
  const { after, is_cut: isCut, hash } = JSON.parse(message.slice(message.indexOf('{')))
  assert.deepEqual([after, isCut, hash], [null, true, showAuditRecord(long).hash])
  assert.ok(syslogMessage(long, 'auth-1').length > 9000)
})

test('RFC 5426: over UDP each record is a datagram', async (t) => {
  for (const [type, address] of [
    ['udp4', '127.0.0.1'],
    ['udp6', '[::1]'],
  ] as const) {
    const collector = createSocket(type)
    t.after(() => collector.close())
    collector.bind(0, address.replace(/[[\]]/g, ''))
    await once(collector, 'listening')
    const got: string[] = []
    const all = new Promise<void>((resolve) =>
      collector.on('message', (message) => {
        got.push(message.toString())
        if (got.length === records.length) resolve()
      }),
    )
    const long = auditRecord(3, { after: JSON.stringify('x'.repeat(9000)) })
    const sent = [...records.slice(0, 2), long]
    await sinkAt(`udp://${address}:${collector.address().port}`).send(sent, notAborted)
    await all
    assert.deepEqual(
      got,
      sent.map((record) => syslogMessage(record, 'auth-1', 8192)),
    )
  }
})

test('RFC 6587 §3.4.1: over TCP messages are counted, and count as taken when the collector has read to the end', async (t) => {
  let text = ''
  const port = await listening(
    t,
    createServer((socket) => {
      socket.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
    }),
  )
  await sinkAt(`tcp://127.0.0.1:${port}`).send(records, notAborted)
  assert.deepEqual(
    messagesIn(text),
    records.map((record) => syslogMessage(record, 'auth-1')),
  )
})

test('issue Audit: a collector that dies, hangs or is not there has taken nothing', async (t) => {
  const onConnection: ((socket: Socket) => void)[] = [
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.once('data', () => socket.resetAndDestroy()),
    (socket) => socket.pause(),
  ]
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    t.after(() => socket.destroy())
    socket.on('error', () => {})
    onConnection.shift()?.(socket)
  })
  const port = await listening(t, server)
  for (let left = onConnection.length; left > 0; left -= 1) {
    const sink = sinkAt(`tcp://127.0.0.1:${port}`, { timeoutMilliseconds: 200 })
    await assert.rejects(sink.send(records, notAborted))
  }
  const stopping = new AbortController()
  const sending = sinkAt(`tcp://127.0.0.1:${port}`).send(records, stopping.signal)
  await once(server, 'connection')
  stopping.abort()
  await assert.rejects(sending)
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const gone = portOf(closed)
  closed.close()
  await once(closed, 'close')
  await assert.rejects(sinkAt(`tcp://127.0.0.1:${gone}`).send(records, notAborted), /ECONNREFUSED/)
})

/** Of `localhost`, with what it has been sent. */
async function startTlsCollector(t: TestContext, tls: TlsOptions = {}) {
  const at = Math.floor(Date.now() / 1000)
  const life = { notBeforeAt: at - 3600, notAfterAt: at + 86_400 }
  const authority = await issue(null, { name: 'CN=Test authority', ca: true, ...life })
  const leaf = await issue(authority, {
    name: 'CN=collector',
    purposes: [serverAuth],
    names: [{ type: 'dns', value: 'localhost' }],
    ...life,
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', leaf.keys.privateKey)
  let text = ''
  const server = createTlsServer(
    { cert: leaf.pem, key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), ...tls },
    (socket) => {
      socket
        .on('error', () => {})
        .setEncoding('utf8')
        .on('data', (chunk) => {
          text += chunk
        })
    },
  )
  return { port: await listening(t, server), authority: authority.pem, text: () => text }
}

test('RFC 5425: over TLS the collector must be who it says, to an authority that is trusted', async (t) => {
  const { port, authority, text } = await startTlsCollector(t)
  const send = (host: string, authorities: readonly string[]) =>
    sinkAt(`tls://${host}:${port}`, { authorities }).send(records, notAborted)
  await assert.rejects(send('localhost', []))
  await assert.rejects(send('127.0.0.1', [authority]), 'the certificate is of another name')
  assert.equal(text(), '')
  await send('localhost', [authority])
  assert.equal(messagesIn(text()).length, records.length)
})

test('RFC 9325 §4.2: a collector that has only TLS 1.2 with CBC gets no record, and one with GCM gets them', async (t) => {
  const sendTo = async (ciphers: string) => {
    const { port, authority, text } = await startTlsCollector(t, { maxVersion: 'TLSv1.2', ciphers })
    await sinkAt(`tls://localhost:${port}`, { authorities: [authority] }).send(records, notAborted)
    return messagesIn(text()).length
  }
  await assert.rejects(sendTo('ECDHE-ECDSA-AES128-SHA256'), /handshake failure/)
  assert.equal(await sendTo('ECDHE-ECDSA-AES128-GCM-SHA256'), records.length)
})
