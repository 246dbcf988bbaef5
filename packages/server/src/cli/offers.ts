/** What the Tab key offers as the value of an option or an argument; `completion` writes it into its scripts. */

import type { Argument, Option } from 'commander'

type Taking = Option | Argument

const offered = new WeakMap<Taking, readonly string[]>()

/** Beside commander's own choices, which would refuse all else and stand in the help a second time. */
export function offering<Of extends Taking>(taking: Of, values: readonly string[]): Of {
  offered.set(taking, values)
  return taking
}

export const offersOf = (taking: Taking): readonly string[] => taking.argChoices ?? offered.get(taking) ?? []
