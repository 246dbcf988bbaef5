/** The reference of the log's fields, made from their table. */

import { lineFields } from '../../http/log.ts'
import { code, markdownTable } from './markdown.ts'

export const logFieldsTable = (): string =>
  markdownTable(
    ['Field', 'What it says'],
    Object.entries(lineFields).map(([name, meaning]) => [code(name), meaning]),
  )
