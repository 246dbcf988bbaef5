/** The table of operations as data, for those who call them: the table itself loads all that runs them (decision 0026). */

import { readFileSync } from 'node:fs'
import { descriptionFile, type OperationDescription } from './description.ts'

export const describedOperations: readonly OperationDescription[] = readFileSync(descriptionFile, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))
