/** A blueprint that has been read: what it declares, and where in its text each part stands. */

import type { BlueprintFile } from './schema.ts'
import type { Source } from './yaml-source.ts'

export interface Blueprint {
  readonly source: Source
  readonly file: BlueprintFile
}
