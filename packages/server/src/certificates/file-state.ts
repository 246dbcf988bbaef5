/** Whether a file is still the one that was read, by what a look at its entry costs: writing, renaming and swapping all show. */

import { stat } from 'node:fs/promises'

/** Compared with another of the same file, and otherwise of no meaning. */
export async function stateOfFile(file: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(file)
    return `${ino}:${mtimeMs}:${size}`
  } catch {
    return 'missing'
  }
}
