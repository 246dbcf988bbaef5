/** A blueprint as YAML, as people write it: short lists on one line, long texts as blocks, comments on top. */

import { Document, isScalar, visit, type YAMLSeq } from 'yaml'
import type { BlueprintFile } from './schema.ts'

const longestList = 90
const commentWidth = 116

export function formatBlueprint(file: BlueprintFile, comments: readonly string[]): string {
  // The reader takes no aliases.
  const document = new Document(file, { version: '1.2', aliasDuplicateObjects: false })
  visit(document, {
    Seq(_key, list) {
      list.flow = isShort(list)
    },
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string' && unseen.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  const head = comments.flatMap(wrapped).map((line) => `# ${line}\n`)
  const body = document.toString({ lineWidth: 0, flowCollectionPadding: false })
  return [...head, body.replaceAll(new RegExp(unseen, 'gu'), escaped)].join('')
}

/** Names come from customers too, and must not turn the writing direction or break the lines of who reads them. */
const unseen = /[\x7f-\x9f\p{Cf}\u2028\u2029]/u

const escaped = (character: string): string =>
  `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`

const isShort = ({ items }: YAMLSeq): boolean =>
  items.every((item) => isScalar(item) && isFlat(item.value)) && JSON.stringify(items).length <= longestList

const isFlat = (value: unknown): boolean => typeof value !== 'string' || !value.includes('\n')

/** What follows on the next line stands below what it belongs to. */
function wrapped(comment: string): string[] {
  const indent = /^[- ]*/.exec(comment)?.[0].length ?? 0
  const lines: string[] = []
  let line = ''
  for (const word of comment.slice(indent).split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > commentWidth) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((text, at) => (at === 0 ? comment.slice(0, indent) : ' '.repeat(indent)) + text)
}
