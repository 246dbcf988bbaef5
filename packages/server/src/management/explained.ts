/** What members of a body or a query are for, beside the form that their schemas describe: said once, for all who ask. */

import type { TProperties } from 'typebox'
import type { Words } from '../blueprint/words.ts'

/** What `explained` adds to a schema, to be read where flags and the OpenAPI document are made. */
export interface Explanation {
  readonly about?: string
  /** What holds without it. */
  readonly fallback?: string
}

/** The same members, each with its words. Those without a word stay as they are. */
export function explained<Members extends TProperties>(
  members: Members,
  words: Readonly<Record<string, Words>>,
): Members {
  const entries = Object.entries(members).map(([name, schema]) => {
    const [about, fallback] = words[name] ?? []
    const explanation = { ...(about !== undefined && { about }), ...(fallback !== undefined && { fallback }) }
    // That a member is optional is no enumerable property, so that a spread would lose it.
    const own = Object.getOwnPropertyDescriptors(schema)
    return [name, Object.assign(Object.create(Object.getPrototypeOf(schema), own), explanation)]
  })
  return Object.fromEntries(entries)
}
