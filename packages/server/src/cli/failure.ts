/** What a failed command says, and its exit code: one sentence for what people can mend, the stack for what they cannot. */

import { ConfigRefused } from '../config.ts'
import { AddressRefused } from '../http/address-list.ts'
import { ListenRefused } from '../http/listen.ts'
import { mask } from '../http/mask.ts'
import { StoreConflict, StoreRefused, StoreUnavailable } from '../store/database.ts'
import { fileCauses } from '../store/file-causes.ts'

/** The help's own words for every exit code. */
export const exitCodes = {
  0: 'done',
  1: 'failed, or the answer is no',
  2: 'the input or the configuration was refused',
  3: 'the database, a folder, a port or a certificate cannot be used',
} as const

const refusedInput = [ConfigRefused, StoreConflict, AddressRefused]
const unusable = [StoreRefused, StoreUnavailable, ListenRefused]
// Known by name, so that naming them does not load what only one command needs.
const unusableNames = ['TlsRefused', 'LocalCertificateRefused', 'RevocationListRefused']
const retryableNames = ['PlanOutdated']

export function exitCodeOf(error: unknown): 1 | 2 | 3 {
  if (refusedInput.some((kind) => error instanceof kind)) return 2
  if (unusable.some((kind) => error instanceof kind)) return 3
  if (isNamed(error, unusableNames) || fileErrorOf(error)) return 3
  return 1
}

const isNamed = (error: unknown, names: readonly string[]): boolean =>
  error instanceof Error && names.includes(error.name)

export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const fileError = fileErrorOf(error)
  if (fileError) return fileError
  const isExpected = exitCodeOf(error) !== 1 || isNamed(error, retryableNames)
  return isExpected ? error.message : `Unexpected failure: ${mask(error.stack ?? error.message)}`
}

/** The file system's refusals: which file, and why. */
function fileErrorOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  // Opening a folder succeeds; what fails is reading it, and Node does not say of which.
  if (error.code === 'EISDIR' && !('path' in error)) return 'A folder was named where a file is needed.'
  if (!('path' in error)) return undefined
  const cause = fileCauses[String(error.code)]
  return cause && `The file ${error.path} cannot be used: ${cause} (${error.code}).`
}
