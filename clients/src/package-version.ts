/** The version of an installed package, from the file that every package has. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Not by `require(name/package.json)`: most packages do not export that. */
export function packageVersion(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const text = readFileSync(join(folder, name, 'package.json'), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      // In another folder then.
    }
  }
  throw new Error(`${name} is not installed, looked in ${dirname(import.meta.url)} and above`)
}
