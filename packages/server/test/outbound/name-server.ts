// A real name server on loopback: it knows the names it is given, is silent about some, and denies the rest (RFC 1035 §4).
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

export interface NameServer {
  /** As `setServers` takes it. */
  readonly address: string
  /** The names that were asked for, in order. */
  readonly asked: readonly string[]
}

const typeA = 1
const noSuchName = 3

function nameIn(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

/** `names`: the IPv4 address of each, null for one that is never answered. */
export async function startNameServer(
  t: TestContext,
  names: Readonly<Record<string, string | null>>,
): Promise<NameServer> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, end } = nameIn(query)
    asked.push(name)
    const address = names[name]
    if (address === null) return
    const answers = address !== undefined && query.readUInt16BE(end) === typeA ? 1 : 0
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180 | (address === undefined ? noSuchName : 0), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(answers, 6)
    const record = Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4])
    const bytes = Buffer.from((address ?? '').split('.').map(Number))
    const answer = answers === 1 ? [record, bytes] : []
    socket.send(Buffer.concat([head, query.subarray(12, end + 4), ...answer]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return { address: `127.0.0.1:${socket.address().port}`, asked }
}
