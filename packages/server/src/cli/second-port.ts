/** Ports beside the main one: in development one that cannot be had is told, and no reason not to start. */

import { developmentHosts, ListenRefused } from '../http/listen.ts'
import { openForAMoment } from './open-port.ts'

export interface SecondPort {
  /** 0 for none. */
  readonly port: number
  /** Which chooses another. */
  readonly flag: string
  /** What is not there without it. */
  readonly consequence: string
  readonly warn: (line: string) => void
}

export const isFree = (second: SecondPort): Promise<boolean> =>
  openSecondPort(second, () => openForAMoment({ hosts: developmentHosts, port: second.port }))

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
