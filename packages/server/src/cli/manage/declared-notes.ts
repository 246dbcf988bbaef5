/** What a blueprint declares stands there still: what its next apply makes of what has been done here. */

import type { OperationDescription } from '../../management/description.ts'
import { terminalText } from '../standard-input.ts'

/** As much as tells it of a thing, or of what a rotation answers. */
export interface Declared {
  readonly blueprint?: string | null
  readonly ends?: readonly { readonly id: string; readonly blueprint: string | null }[]
}

/** `body` is what was sent; `thing` is what was answered, or what is gone. */
export function declaredNotes({ method }: OperationDescription, body: object, thing: Declared): string[] {
  const { blueprint, ends = [] } = thing
  if (method === 'POST')
    return ends.flatMap(({ id, blueprint: of }) =>
      of === null
        ? []
        : [`${declares(of, id)}: write its expires_at there too, or the next apply sets it back.`],
    )
  if (!blueprint) return []
  if (method === 'DELETE')
    return [`${declares(blueprint, 'it')}: take it out there too, or the next apply makes it anew.`]
  // No word of a blueprint: what is disabled stays so.
  const isDeclared = Object.keys(body).some((name) => name !== 'disabled')
  return isDeclared
    ? [`${declares(blueprint, 'it')}: change it there too, or the next apply sets it back.`]
    : []
}

const declares = (blueprint: string, what: string): string =>
  `Blueprint ${terminalText(blueprint)} declares ${terminalText(what)}`
