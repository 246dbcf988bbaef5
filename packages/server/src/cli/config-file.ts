/** Reads a YAML configuration file into plain values; what they mean is for `config.ts`. */

import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { ConfigRefused } from '../config.ts'

export function readConfigFile(name: string): { readonly name: string; readonly values: unknown } {
  const document = parseDocument(readText(name), { uniqueKeys: true, prettyErrors: true })
  const [problem] = document.errors
  if (problem) {
    // The parser's own words quote the file, which may hold a secret.
    const { line, col } = problem.linePos?.[0] ?? { line: 1, col: 1 }
    const what = problem.code === 'DUPLICATE_KEY' ? 'a setting stands there twice' : 'it is not valid YAML'
    throw new ConfigRefused(`${name}:${line}:${col}: ${what}. Mend the file and start again.`)
  }
  return { name, values: toValues(name, document) }
}

function toValues(name: string, document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 }) ?? {}
  } catch {
    throw new ConfigRefused(`${name} uses YAML aliases (*name). Write each value out.`)
  }
}

function readText(name: string): string {
  try {
    return readFileSync(name, 'utf8')
  } catch {
    throw new ConfigRefused(
      `The configuration file ${name} cannot be read. Check the path and its permissions.`,
    )
  }
}
