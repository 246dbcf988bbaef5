/** What of an operation is said without what runs it: as much as commands are made from, and calls are put together. */

import type { TSchema } from 'typebox'
import type { Explanation } from './explained.ts'
import type { Operation } from './operation.ts'

/** One a line. `cli/reference/write.ts` writes it from the table, and a test compares them. */
export const descriptionFile = new URL('operations.jsonl', import.meta.url)

export interface OperationDescription
  extends Pick<Operation, 'id' | 'command' | 'kind' | 'method' | 'path' | 'about'> {
  readonly query: ObjectShape | null
  readonly body: ObjectShape | null
  /** Of a list one item. */
  readonly output: ObjectShape | null
}

export interface ObjectShape {
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
}

/** The words of JSON Schema from which flags and columns are made; what is within a member is told by the server. */
export interface Shape extends Explanation {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly description?: string
  readonly anyOf?: readonly Shape[]
  readonly items?: Shape
}

export const descriptionOf = (operation: Operation): OperationDescription => ({
  ...{ id: operation.id, command: operation.command, kind: operation.kind, method: operation.method },
  ...{ path: operation.path, about: operation.about },
  ...{ query: objectShape(operation.query), body: objectShape(operation.body) },
  output: objectShape(operation.output),
})

function objectShape(schema: TSchema | null): ObjectShape | null {
  if (schema === null) return null
  const { required, properties = {} } = schema as ObjectShape
  const members = Object.entries(properties).map(([name, member]) => [name, shapeOf(member)])
  return { ...(required && { required }), properties: Object.fromEntries(members) }
}

function shapeOf(schema: Shape): Shape {
  const { anyOf, items } = schema
  const words = (['type', 'const', 'enum', 'description', 'about', 'fallback'] as const).flatMap((word) =>
    schema[word] === undefined ? [] : [[word, schema[word]]],
  )
  return {
    ...Object.fromEntries(words),
    ...(anyOf && { anyOf: anyOf.map(shapeOf) }),
    ...(items && { items: shapeOf(items) }),
  }
}
