/** What a failed command says, and its exit code: one sentence for what people can mend, the stack for what they cannot. */

import { ConfigRefused } from '../config.ts'
import { ListenRefused } from '../http/listen.ts'
import { StoreConflict, StoreRefused, StoreUnavailable } from '../store/database.ts'

const refusedInput = [ConfigRefused, StoreConflict]
const unusable = [StoreRefused, StoreUnavailable, ListenRefused]

export function exitCodeOf(error: unknown): number {
  if (refusedInput.some((kind) => error instanceof kind)) return 2
  return unusable.some((kind) => error instanceof kind) ? 3 : 1
}

export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return exitCodeOf(error) === 1 ? (error.stack ?? error.message) : error.message
}
