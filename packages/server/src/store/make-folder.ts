/** Makes a folder and those above it, for this user alone. */

import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** One after the other: Node's own recursive way never ends below a folder, such as /proc, where nothing can be made. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const above = dirname(folder)
  if (above !== folder) makeFolder(above)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Of two first starts at once, one makes it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
