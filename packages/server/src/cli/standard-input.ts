/** Tokens and secrets that come through a pipe or are pasted, and text of strangers that goes to a terminal. */

export async function readStandardInput(what: 'token' | 'secret' = 'token'): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write(`Paste the ${what}, press Enter, then Ctrl-D:\n`)
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}

/** What is in a stranger's token must not drive the terminal, turn the writing direction, or break the lines. */
export const terminalText = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�')

/** As JSON the same text comes to no harm either: inside strings, where alone it stands, such characters may be escapes. */
export const jsonText = (value: unknown, space = 2): string =>
  (JSON.stringify(value, null, space) ?? '').replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\n' ? character : escaped(character),
  )

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')
