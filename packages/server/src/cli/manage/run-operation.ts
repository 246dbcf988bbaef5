/** One command of the table, from what was typed to what is printed. */

import { ConfigRefused } from '../../config.ts'
import { systemEffects } from '../../effects.ts'
import {
  type CallTerms,
  createManagementClient,
  type Listed,
  type ManagementClient,
  ManagementRefused,
  requestOf,
} from '../../management/client.ts'
import { describedOperations } from '../../management/described-operations.ts'
import type { OperationDescription } from '../../management/description.ts'
import { mergePatch } from '../../management/merge-patch.ts'
import { jsonText, terminalText } from '../standard-input.ts'
import { createToken } from './access-token.ts'
import { confirmOperation, destroys } from './confirm.ts'
import { type Connection, findConnection } from './connection.ts'
import { type Declared, declaredNotes } from './declared-notes.ts'
import { differenceLine, differences } from './difference.ts'
import { createFetch, ServerUnreachable } from './own-fetch.ts'
import { type GivenBody, readBody } from './read-body.ts'
import { exitCodeOf, refusalJson, refusalText } from './refusal.ts'
import { holdsSecret, listText, thingText } from './show.ts'

/** What was typed, sorted. */
export interface Typed {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  readonly body: GivenBody
  readonly options: {
    readonly profile?: string
    readonly json?: boolean
    readonly limit?: string
    readonly all?: boolean
    readonly cursor?: string
    readonly yes?: boolean
    readonly dryRun?: boolean
    readonly idempotencyKey?: string
  }
}

interface Run extends Typed {
  readonly operation: OperationDescription
  readonly connection: Connection
  readonly client: ManagementClient
}

export function connect(connection: Connection): ManagementClient {
  const fetch = createFetch(connection.ca)
  return createManagementClient({
    url: `${connection.origin}/manage/v1`,
    fetch,
    token: createToken(connection, fetch),
  })
}

/** Sets the exit code where the server refuses. */
export async function runOperation(operation: OperationDescription, typed: Typed): Promise<void> {
  checkParams(typed.params)
  const connection = findConnection(typed.options.profile, process.env)
  const run = { ...typed, operation, connection, client: connect(connection) }
  try {
    if (operation.kind === 'write') await write(run)
    else if (operation.kind === 'list') await list(run)
    else await read(run)
  } catch (error) {
    await refuse(error, run)
  }
}

/** URLs are put in order before they are sent, and these would be taken for steps in the tree. */
function checkParams(params: Typed['params']): void {
  for (const [name, value] of Object.entries(params))
    if (/^\.{0,2}$/.test(value)) throw new ConfigRefused(`There is no ${name} "${value}".`)
}

async function refuse(error: unknown, { client, options }: Run): Promise<void> {
  if (error instanceof ServerUnreachable) process.stderr.write(`${error.message}\n`)
  else if (!(error instanceof ManagementRefused)) throw error
  else if (options.json) print(refusalJson(error), '', true)
  else process.stderr.write(`${await refusalText(error, client)}\n`)
  process.exitCode = exitCodeOf(error)
}

function print(json: object, text: string, isJson = false): void {
  process.stdout.write(`${isJson ? jsonText(json) : text}\n`)
}

async function read({ operation, params, query, client, options }: Run): Promise<void> {
  const thing = (await client.call(operation.id, { params, query })).body as object
  print(thing, thingText(thing), options.json)
}

async function list({ operation, params, query, client, options }: Run): Promise<void> {
  const { json, cursor } = options
  const most = options.all ? Number.POSITIVE_INFINITY : readLimit(options.limit ?? '50')
  const found: Listed = await client.list(operation.id, { params, query: { ...query, cursor } }, most)
  print(found, listText(operation.output, found.items), json)
  if (found.next_cursor !== null && !json)
    process.stderr.write('There are more: --all shows everything, --limit more of them.\n')
}

function readLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d{1,9}$/.test(text) || limit < 1) throw new ConfigRefused('--limit takes a number from 1.')
  return limit
}

async function write(run: Run): Promise<void> {
  const { operation, params, client, connection, options } = run
  const body = await readBody(run.body)
  const before = operation.method === 'PATCH' ? await readBefore(run) : null
  const terms = termsOf(run, body, before)
  if (options.dryRun) {
    showDryRun(operation, terms, before?.value, options.json)
    return
  }
  if (destroys(operation, body, systemEffects.clock()) && !options.yes)
    await confirmOperation(operation, nameOf(operation, params, connection), connection.origin)
  // The wrong server looks like the right one.
  if (!options.json) process.stderr.write(`At ${connection.origin} (${connection.name}):\n`)
  const removed = operation.method === 'DELETE' && !options.json ? await findRemoved(run) : {}
  const answer = (await client.call(operation.id, terms)).body as object | null
  showDone(operation, answer, options.json)
  if (!options.json)
    for (const note of declaredNotes(operation, body, answer ?? removed)) process.stderr.write(`${note}\n`)
}

const termsOf = (
  { operation, params, query, options: { idempotencyKey } }: Run,
  body: object,
  before: Before | null,
): CallTerms => ({
  ...{ params, query },
  ...(operation.body !== null && { body }),
  ...(before !== null && { ifMatch: before.ifMatch }),
  ...(idempotencyKey !== undefined && { idempotencyKey }),
})

/** What it is called where it is: the last name in the path, or, without one, the server. */
function nameOf({ path }: OperationDescription, params: Typed['params'], { origin }: Connection): string {
  const last = /\{(\w+)\}(?!.*\{)/.exec(path)?.[1]
  return params[last ?? ''] ?? new URL(origin).hostname
}

interface Before {
  readonly value: object
  readonly ifMatch: string
}

/** As it is now, so that nobody's change in between is lost. */
async function readBefore({ operation, params, client }: Run): Promise<Before> {
  const reading = readingOf(operation)
  if (reading === undefined) throw new Error(`${operation.id} changes what no operation reads.`)
  const { body, etag } = await client.call(reading.id, { params })
  return { value: body as object, ifMatch: etag ?? '*' }
}

const readingOf = ({ path }: OperationDescription): OperationDescription | undefined =>
  describedOperations.find((one) => one.kind === 'read' && one.path === path)

/** For a note alone: whoever may remove a thing need not be able to read it, and what keeps it from going is told then. */
async function findRemoved({ operation, params, client }: Run): Promise<Declared> {
  const reading = readingOf(operation)
  if (reading === undefined) return {}
  try {
    return (await client.call(reading.id, { params })).body as Declared
  } catch (error) {
    if (error instanceof ManagementRefused) return {}
    throw error
  }
}

function showDryRun(
  operation: OperationDescription,
  terms: CallTerms,
  before: object | undefined,
  isJson = false,
): void {
  const { method, path, headers, body } = requestOf(operation, terms)
  const changes = before === undefined ? undefined : differences(before, mergePatch(before, body))
  const lines = [
    `${method} /manage/v1${path}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['', jsonText(body)]),
    ...(changes === undefined ? [] : ['', ...changes.map(differenceLine)]),
    ...(changes?.length === 0 ? ['It is like that already.'] : []),
    ...['', 'Nothing was sent but what reads.'],
  ]
  print({ method, path: `/manage/v1${path}`, headers, body, changes, sent: false }, lines.join('\n'), isJson)
}

interface Done extends Declared {
  /** What its maker may not have meant. */
  readonly warnings?: readonly string[]
}

function showDone({ command }: OperationDescription, answer: object | null, isJson = false): void {
  const { warnings = [], ...thing } = (answer ?? { done: true }) as Done
  const once = holdsSecret(thing) ? '\nKeep this secret now: it will not be shown again.' : ''
  print(answer ?? thing, answer === null ? `Done: ${command}.` : thingText(thing) + once, isJson)
  for (const sentence of warnings) process.stderr.write(`Warning: ${terminalText(sentence)}\n`)
}
