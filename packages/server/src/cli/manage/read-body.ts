/** The body of a call: a file, over it `--set`, over it the flags. */

import { readFileSync } from 'node:fs'
import { text as wholeText } from 'node:stream/consumers'
import { parseJsonObject } from '@sallyport/protocol'
import { ConfigRefused } from '../../config.ts'

export interface GivenBody {
  readonly file?: string
  readonly set?: readonly string[]
  /** By member. */
  readonly flags: Readonly<Record<string, unknown>>
}

type Members = Readonly<Record<string, unknown>>

export async function readBody({ file, set = [], flags }: GivenBody): Promise<Members> {
  const whole = file === undefined ? {} : await readBodyFile(file)
  const edited = set.reduce((body, text) => withSet(body, text), whole)
  return { ...edited, ...flags }
}

async function readBodyFile(name: string): Promise<Members> {
  const text = name === '-' ? await wholeText(process.stdin) : readFileSync(name, 'utf8')
  const shown = name === '-' ? 'standard input' : name
  const value = parseJsonObject(text) ?? (await readYamlValue(shown, text))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigRefused(`${shown} holds no body: expected one map of members, as JSON or YAML.`)
  return value as Members
}

/** Most bodies are no YAML, and what reads it takes longer to load than all else. */
async function readYamlValue(name: string, text: string): Promise<unknown> {
  const { readYaml } = await import('../../blueprint/yaml-source.ts')
  const { formatProblem } = await import('../../blueprint/problem.ts')
  const read = readYaml(name, text)
  if ('problems' in read) throw new ConfigRefused(read.problems.map(formatProblem).join('\n'))
  return read.source.value
}

function withSet(body: Members, text: string): Members {
  const at = text.indexOf('=')
  if (at < 1) throw new ConfigRefused(`--set takes PATH=VALUE, such as name="Billing", and not ${text}.`)
  return withMember(body, stepsOf(text.slice(0, at)), readValue(text.slice(at + 1)))
}

/** Dots between names; or, for names with dots in them, an RFC 6901 pointer, which is how refusals name a place. */
const stepsOf = (path: string): readonly string[] =>
  path.startsWith('/')
    ? path
        .slice(1)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    : path.split('.')

function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Defines members and assigns none, so `__proto__` is a name like any other. */
function withMember(body: Members, [step = '', ...rest]: readonly string[], value: unknown): Members {
  const inner = Object.hasOwn(body, step) ? body[step] : undefined
  return {
    ...body,
    [step]: rest.length === 0 ? value : withMember(isMembers(inner) ? inner : {}, rest, value),
  }
}
