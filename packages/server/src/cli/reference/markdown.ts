/** Tables in Markdown, and the marked places of a document that are written by this program. */

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

export const code = (text: string): string => `\`${text}\``

const marks = (name: string) =>
  [
    `<!-- begin ${name}: made from the code by packages/server/src/cli/reference/write.ts -->`,
    `<!-- end ${name} -->`,
  ] as const

/** The document with the text between the marks of `name` replaced. */
export function fillPlace(document: string, name: string, text: string): string {
  const [begin, end] = marks(name)
  const [before, ...others] = document.split(begin)
  const after = others.join(begin).split(end).slice(1).join(end)
  if (before === undefined || others.length !== 1 || after === '')
    throw new Error(`The document has no place "${name}".`)
  return `${before}${begin}\n\n${text}\n\n${end}${after}`
}
