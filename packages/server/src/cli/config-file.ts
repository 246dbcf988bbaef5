/** Reads a YAML configuration file into plain values; what they mean is for `config.ts`. */

import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { ConfigRefused } from '../config.ts'

export function readConfigFile(name: string): { readonly name: string; readonly values: unknown } {
  const document = parseDocument(readText(name), { uniqueKeys: true, prettyErrors: true })
  const [problem] = document.errors
  // Of a problem only the first line: the rest quotes the file, which may hold a secret.
  if (problem) throw new ConfigRefused(`${name} is not valid YAML: ${firstLine(problem.message)}`)
  return { name, values: toValues(name, document) }
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').replace(/:$/, '.')

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
