/** Holds a file's values against the schema: every place that does not fit, each reported once. */

import { misspeltName } from '@sallyport/protocol'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { isSecretPlace, type Path, type Report, shorten, showValue } from './problem.ts'
import type { SchemaNode } from './schema-node.ts'

export const checkShape = (schema: TSchema, value: unknown, report: Report): void =>
  checkPlace(schema as SchemaNode, value, [], report)

// The schema's own checker says everything about a place several times over, and stops early: here the
// structure is walked, and the checker asked only whether a value fits.
function checkPlace(shape: SchemaNode, value: unknown, path: Path, report: Report): void {
  const { properties, patternProperties, items } = shape
  if (properties && isRecord(value)) checkMembers(shape, properties, value, path, report)
  else if (patternProperties && isRecord(value)) checkRecord(shape, patternProperties, value, path, report)
  else if (items && Array.isArray(value)) checkItems(shape, items, value, path, report)
  else if (!Value.Check(shape as TSchema, value)) report(path, showValue(value, path), expectation(shape))
}

// Finding the nearest name costs more than all else here.
const mostMisspelt = 50

function checkMembers(
  shape: SchemaNode,
  properties: Readonly<Record<string, SchemaNode>>,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): void {
  const known = Object.keys(properties)
  const unknown = Object.keys(value).filter((name) => !known.includes(name))
  // A required name misspelt is one mistake, told once.
  const misspelt = new Set(unknown.slice(0, mostMisspelt).map((name) => misspeltName(name, known)))
  for (const name of known) {
    const member = properties[name]
    if (member === undefined) continue
    if (Object.hasOwn(value, name)) checkPlace(member, value[name], [...path, name], report)
    else if (shape.required?.includes(name) && !misspelt.has(name)) {
      report([...path, name], 'nothing', expectation(member))
    }
  }
  for (const name of unknown) reportUnknown(name, known, path, report)
}

function reportUnknown(name: string, known: readonly string[], path: Path, report: Report): void {
  const nearest = misspeltName(name, known)
  const expected =
    nearest === undefined
      ? `one of ${known.join(', ')}`
      : `one that is known here, the nearest being ${nearest}`
  if (isSecretPlace(path)) report(path, 'an unknown key (not shown)', expected)
  else report([...path, shorten(name)], 'an unknown key', expected)
}

function checkRecord(
  shape: SchemaNode,
  patterns: Readonly<Record<string, SchemaNode>>,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): void {
  for (const [name, member] of Object.entries(value)) {
    const [, fitting] = Object.entries(patterns).find(([pattern]) => new RegExp(pattern).test(name)) ?? []
    if (fitting) checkPlace(fitting, member, [...path, name], report)
    else report([...path, shorten(name)], 'a key that does not fit', shape.description ?? 'another key')
  }
}

function checkItems(
  shape: SchemaNode,
  items: SchemaNode,
  value: readonly unknown[],
  path: Path,
  report: Report,
): void {
  if (value.length < (shape.minItems ?? 0)) report(path, showValue(value, path), `at least ${shape.minItems}`)
  if (value.length > (shape.maxItems ?? value.length))
    report(path, `${value.length} of them`, `at most ${shape.maxItems}`)
  for (const [index, item] of value.entries()) checkPlace(items, item, [...path, index], report)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function expectation(shape: SchemaNode): string {
  if (shape.description !== undefined) return shape.description
  if (shape.enum) return `one of ${shape.enum.join(', ')}`
  if (shape.const !== undefined) return String(shape.const)
  if (shape.anyOf) return shape.anyOf.map(expectation).join(' or ')
  if (shape.items) return 'a list'
  return kinds[shape.type ?? ''] ?? 'another value'
}

const kinds: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}
