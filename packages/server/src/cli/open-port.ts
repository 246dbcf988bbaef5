/** Opens a port for a command, and when it cannot be had names the setting that chooses another. */

import { ListenRefused } from '../http/listen.ts'

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
