/** Shapes that several nouns share. */

import { Type } from 'typebox'

export const closed = { additionalProperties: false } as const

export const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'a name for people, 1 to 200 characters',
})

export const Instant = Type.Integer({ description: 'seconds since 1970' })

export const OrNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])

/** What every row shows of itself. */
export const managed = {
  /** The blueprint that declares it, whose next apply sets it back. */
  blueprint: OrNull(Type.String()),
  created_at: Instant,
  updated_at: Instant,
}
