/** Whom a server takes the bearer of a profile for. */

import { ManagementRefused } from '../../management/client.ts'
import { terminalText } from '../standard-input.ts'
import type { Connection } from './connection.ts'
import { ServerUnreachable } from './own-fetch.ts'
import { exitCodeOf } from './refusal.ts'
import { connect } from './run-operation.ts'

/** Null where the server refuses, which is then said. */
export async function actorOf(connection: Connection): Promise<string | null> {
  try {
    const { body } = await connect(connection).call('readMe')
    return terminalText(String((body as { readonly actor: string }).actor))
  } catch (error) {
    if (!(error instanceof ManagementRefused || error instanceof ServerUnreachable)) throw error
    const id = error instanceof ManagementRefused && error.requestId ? ` Request id: ${error.requestId}` : ''
    process.stderr.write(`${terminalText(error.message + id)}\nNothing was kept.\n`)
    process.exitCode = exitCodeOf(error)
    return null
  }
}
