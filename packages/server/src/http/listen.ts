/** Binds ports, and says in one sentence why one could not be had. */
import type { AddressInfo, Server } from 'node:net'

export const developmentHosts = ['127.0.0.1', '::1'] as const

/** The port cannot be had; the message is for people. */
export class ListenRefused extends Error {
  override readonly name = 'ListenRefused'
  readonly code: string

  constructor(code: string, sentence: string, options?: ErrorOptions) {
    super(sentence, options)
    this.code = code
  }
}

export interface Binding<Listening extends Server> {
  readonly hosts: readonly string[]
  readonly port: number
  /** Grows with each bound server. */
  readonly servers: Listening[]
  readonly create: () => Listening
}

/** Some machines have no IPv6: where an address does not exist the others must do. */
const missingAddress: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** All hosts on one port. If one is busy, those already bound are let go again. */
export async function bindAll<Listening extends Server>({
  hosts,
  port,
  servers,
  create,
}: Binding<Listening>): Promise<number> {
  let chosen = port
  const bound: Listening[] = []
  for (const [index, host] of hosts.entries()) {
    const server = create()
    try {
      chosen = await bind(server, host, chosen)
      bound.push(server)
    } catch (error) {
      const code = codeOf(error)
      const isLast = index === hosts.length - 1
      if (missingAddress.has(code) && (bound.length > 0 || !isLast)) continue
      for (const other of bound) other.close()
      throw new ListenRefused(code, sentenceFor(code, chosen, host), { cause: error })
    }
  }
  servers.push(...bound)
  return chosen
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'

const sentences: Readonly<Record<string, (port: number, host: string) => string>> = {
  EADDRINUSE: (port) => `Port ${port} is already in use. Stop the other program or choose another port.`,
  EACCES: (port) =>
    `Port ${port} may not be opened by this user: ports below 1024 need a privilege. Choose another port.`,
  EADDRNOTAVAIL: (_port, host) => `This machine has no address ${host}. Choose one of its own addresses.`,
  ENOTFOUND: (_port, host) => `The name ${host} leads to no address. Choose an address of this machine.`,
}

const sentenceFor = (code: string, port: number, host: string): string =>
  sentences[code]?.(port, host) ?? `Port ${port} on ${host} cannot be opened (${code}).`
