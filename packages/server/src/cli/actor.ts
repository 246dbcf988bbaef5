/** Who the audit chain says has given a command: the command and the user of this host. */

import { userInfo } from 'node:os'
import type { Actor } from '../store/audit-records.ts'

export const commandActor = (command: string): Actor => `command ${command} (${userName()})`

/** A container may run as a number that has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`
  }
}
