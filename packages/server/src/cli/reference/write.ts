/** Writes what is made from the code, which a test compares: `node packages/server/src/cli/reference/write.ts`. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { descriptionFile } from '../../management/description.ts'
import { blueprintTables, templateVariablesTable } from './blueprint-tables.ts'
import { logFieldsTable } from './log-fields-table.ts'
import { describedOperationLines, operationsTable, permissionsTable } from './management-tables.ts'
import { fillPlace } from './markdown.ts'
import { settingsTable } from './settings-table.ts'

/** By document under docs/, the places in it and what belongs there. */
const places: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'operations.md': { settings: settingsTable, 'log fields': logFieldsTable },
  'management.md': { operations: operationsTable, permissions: permissionsTable },
  'blueprints.md': { reference: blueprintTables, variables: templateVariablesTable },
}

export interface ReferenceDocument {
  readonly file: string
  readonly present: string
  readonly wanted: string
}

export const referenceDocuments = (): ReferenceDocument[] => [
  ...Object.entries(places).map(([name, texts]) => {
    const file = fileURLToPath(new URL(`../../../../../docs/${name}`, import.meta.url))
    const present = readFileSync(file, 'utf8')
    const wanted = Object.entries(texts).reduce(
      (document, [place, render]) => fillPlace(document, place, render()),
      present,
    )
    return { file, present, wanted }
  }),
  describedOperations(),
]

function describedOperations(): ReferenceDocument {
  const file = fileURLToPath(descriptionFile)
  const present = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return { file, present, wanted: describedOperationLines() }
}

if (import.meta.main) {
  for (const { file, present, wanted } of referenceDocuments()) {
    if (present !== wanted) writeFileSync(file, wanted)
  }
}
