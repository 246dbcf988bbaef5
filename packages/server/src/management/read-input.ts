/** A query and a body against their schemas: everything that does not fit is told at once, in the words of blueprints. */

import { decodeDocument, isEncoded, jsonPointer, parseJsonObject, saysJson } from '@sallyport/protocol'
import type { TObject, TSchema } from 'typebox'
import { checkShape } from '../blueprint/check-shape.ts'
import type { Path, Report } from '../blueprint/problem.ts'
import { largestLimit } from './page-limit.ts'
import { type Misfit, refuseWith } from './problem.ts'
import type { ManagementRequest } from './request.ts'

type Members = Readonly<Record<string, unknown>>

export const pointerOf: (path: Path) => string = jsonPointer

export const misfitsOf = (schema: TSchema, value: unknown): readonly Misfit[] =>
  collectMisfits((report) => checkShape(schema, value, report))

/** Whoever sends a thousand mistakes is helped by the first of them. */
const mostMisfits = 100

class EnoughMisfits extends Error {
  override readonly name = 'EnoughMisfits'
}

/** What a check reports at `place` or below it, as pointers from there; the check is given up when it is enough. */
export function collectMisfits(check: (report: Report) => void, place: Path = []): readonly Misfit[] {
  const misfits: Misfit[] = []
  try {
    check((path, found, expected) => {
      if (!place.every((step, index) => path[index] === step)) return
      misfits.push({ pointer: pointerOf(path.slice(place.length)), found, expected })
      if (misfits.length === mostMisfits) throw new EnoughMisfits()
    })
  } catch (error) {
    if (!(error instanceof EnoughMisfits)) throw error
  }
  return misfits
}

/** RFC 7396 as well, because both are JSON objects. */
const jsonTypes = ['application/json', 'application/merge-patch+json']

export function readBody(
  { contentType, contentEncoding, body }: ManagementRequest,
  schema: TSchema | null,
  mostValues: number,
): unknown {
  if (schema === null) {
    if (body.length > 0) refuseWith('malformed_request', { detail: 'This operation takes no body.' })
    return null
  }
  if (!saysJson(contentType, jsonTypes))
    refuseWith('unsupported_media_type', {
      detail: 'Send the body as Content-Type: application/json, in UTF-8.',
    })
  if (isEncoded(contentEncoding))
    refuseWith('unsupported_media_type', { detail: 'Send the body without Content-Encoding.' })
  const value = parseObject(body)
  if (value !== null && countValues(value, mostValues) > mostValues)
    refuseWith('body_too_large', { detail: `The body has more than ${mostValues} values.` })
  if (value === null)
    refuseWith('malformed_request', {
      detail:
        'The body must be one JSON object in UTF-8: no member twice, at most 16 levels, whole characters, and whole numbers within 9007199254740991 of zero.',
    })
  return value
}

function parseObject(body: Buffer): Members | null {
  const value = parseJsonObject(decodeDocument(body) ?? '')
  return value !== null && isStorable(value, mostLevels) ? value : null
}

/** Stops soon after `most`. */
function countValues(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return 1
  let count = 1
  for (const member of Object.values(value)) {
    count += countValues(member, most)
    if (count > most) break
  }
  return count
}

const mostLevels = 16

/** PostgreSQL keeps no U+0000 in text, neither database a lone surrogate, and what is deep overflows who walks it. */
function isStorable(value: unknown, levelsLeft: number): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed()
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return true
  if (levelsLeft === 0) return false
  return Object.entries(value).every(
    ([name, member]) => isStorable(name, 1) && isStorable(member, levelsLeft - 1),
  )
}

/** Secrets are looked for in no error: of a body for credentials nothing is shown. */
export function checkBody(schema: TSchema, value: unknown, isSecret: boolean): void {
  const misfits = misfitsOf(schema, value)
  if (misfits.length === 0) return
  refuseWith('invalid_body', {
    misfits: isSecret ? misfits.map((misfit) => ({ ...misfit, found: 'something else' })) : misfits,
  })
}

/** Each parameter once, known, and of its type: numbers and booleans are read from their text. */
export function readQuery(query: string, schema: TObject | null, isList: boolean): Members {
  const known = new Map(Object.entries(schema?.properties ?? {}) as [string, TSchema][])
  const values: Record<string, unknown> = {}
  for (const [name, text] of new URLSearchParams(query)) {
    if (Object.hasOwn(values, name)) refuseQuery(name, 'it twice', 'it once')
    if (!isStorable(text, mostLevels)) refuseQuery(name, 'a character U+0000', 'text without it')
    if (isList && name === 'cursor') values[name] = text
    else if (isList && name === 'limit') values[name] = readLimit(text)
    else {
      const member = known.get(name)
      if (member === undefined)
        refuseQuery(
          name,
          'an unknown parameter',
          oneOf([...known.keys(), ...(isList ? ['limit', 'cursor'] : [])]),
        )
      values[name] = readValue(text, member)
    }
  }
  if (schema !== null) {
    const given = Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name)))
    const misfits = misfitsOf(schema, given)
    if (misfits.length > 0) refuseWith('invalid_query', { misfits })
  }
  return values
}

const oneOf = (names: readonly string[]): string =>
  names.length === 0 ? 'no parameter' : `one of ${names.join(', ')}`

function refuseQuery(name: string, found: string, expected: string): never {
  refuseWith('invalid_query', { misfits: [{ pointer: `/${name}`, found, expected }] })
}

function readLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d{1,3}$/.test(text) || limit < 1 || limit > largestLimit)
    refuseQuery('limit', 'no such number', `1 to ${largestLimit}`)
  return limit
}

function readValue(text: string, { type }: TSchema & { readonly type?: string }): unknown {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  return text
}
