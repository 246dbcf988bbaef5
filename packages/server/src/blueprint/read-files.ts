/** Reads blueprint files from the disk; what cannot be read is a problem like any other. */

import { readFile, stat } from 'node:fs/promises'
import { decodeDocument } from '@sallyport/protocol'
import { fileCauses } from '../store/file-causes.ts'
import type { NamedText } from './parse.ts'
import type { Problem } from './problem.ts'

export interface FilesRead {
  readonly files: readonly NamedText[]
  readonly problems: readonly Problem[]
}

export async function readBlueprintFiles(names: readonly string[]): Promise<FilesRead> {
  const files: NamedText[] = []
  const problems: Problem[] = []
  for (const name of names) {
    const read = await readText(name)
    if (typeof read === 'string') files.push({ name, text: read })
    else problems.push({ file: name, line: 1, column: 1, path: '', ...read })
  }
  return { files, problems }
}

/** Far more than a blueprint may have, and far less than would hurt. */
const mostRead = 4 * 1_048_576

async function readText(name: string): Promise<string | Pick<Problem, 'found' | 'expected'>> {
  try {
    if ((await stat(name)).size > mostRead) return { found: 'more than 1 MiB', expected: 'a shorter file' }
    const text = decodeDocument(await readFile(name))
    return text ?? { found: 'bytes that are not UTF-8', expected: 'text in UTF-8' }
  } catch (error) {
    const cause = fileCauses[(error as NodeJS.ErrnoException).code ?? '']
    const found = `a file that cannot be read${cause === undefined ? '' : `: ${cause}`}`
    if (name === '-') return { found, expected: 'the name of a file: standard input is not read' }
    return { found, expected: 'a file that exists and may be read' }
  }
}
