/** Reads a YAML configuration file into plain values; what they mean is for `config.ts`. */

import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { ConfigRefused } from '../config.ts'

export function readConfigFile(name: string): { readonly name: string; readonly values: unknown } {
  const document = parseDocument(readText(name), { uniqueKeys: true })
  const [problem] = document.errors
  if (problem) throw new ConfigRefused(`${name} is not valid YAML: ${problem.message.split('\n')[0]}`)
  return { name, values: document.toJS({ maxAliasCount: 0 }) ?? {} }
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
