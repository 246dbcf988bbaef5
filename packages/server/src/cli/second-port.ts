/** Ports beside the main one: in development one that cannot be had is told, and no reason not to start. */

import { createServer, type Server } from 'node:http'
import { bindAll, developmentHosts, ListenRefused } from '../http/listen.ts'

export interface SecondPort {
  /** 0 for none. */
  readonly port: number
  /** Which chooses another. */
  readonly flag: string
  /** What is not there without it. */
  readonly consequence: string
  readonly warn: (line: string) => void
}

/** Opened for a moment. */
export const isFree = (second: SecondPort): Promise<boolean> =>
  openSecondPort(second, async () => {
    const servers: Server[] = []
    const { port } = second
    await bindAll({ hosts: developmentHosts, port, servers, create: createServer })
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    return port
  })

/** False where there is none. */
export async function openSecondPort(
  { port, flag, consequence, warn }: SecondPort,
  open: () => Promise<number>,
): Promise<boolean> {
  if (port === 0) return false
  try {
    await open()
    return true
  } catch (error) {
    if (!(error instanceof ListenRefused)) throw error
    const why = error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be opened (${error.code})`
    warn(`Port ${port} ${why}, so ${consequence}. Another port: ${flag}; none: ${flag} 0.`)
    return false
  }
}
