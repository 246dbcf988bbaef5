/** Opens a port for a command, and when it cannot be had names the setting that chooses another. */

import { createServer, type Server, type Socket } from 'node:net'
import { bindAll, ListenRefused } from '../http/listen.ts'
import type { Address } from '../main.ts'

/** Found out before anything is done that would be in vain without it. Whoever comes in that moment is sent away. */
export async function openForAMoment({ hosts, port }: Address): Promise<number> {
  const servers: Server[] = []
  const create = () => createServer((socket: Socket) => socket.destroy())
  await bindAll({ hosts, port, servers, create })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return port
}

export interface PortSettings {
  readonly port: string
  readonly host?: string
}

const addressCodes: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'ENOTFOUND'])

export async function openPort(open: () => Promise<number>, settings: PortSettings): Promise<number> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof ListenRefused)) throw error
    const setting = addressCodes.has(error.code) ? settings.host : settings.port
    if (setting === undefined) throw error
    throw new ListenRefused(error.code, error.message.replace(/\.$/, ` with ${setting}.`), { cause: error })
  }
}
