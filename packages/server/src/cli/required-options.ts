/** A flag that is misspelt is named before one that is missing: often it is the same one, and only then is the nearest said. */

import type { Command } from 'commander'

/** For all commands below too. Commander itself asks for what is required before it looks for what is unknown. */
export function requireOptionsLast(command: Command): void {
  const required = command.options.filter(({ mandatory }) => mandatory)
  for (const option of required) option.makeOptionMandatory(false)
  command.hook('preAction', () => {
    const missing = required.find((option) => command.getOptionValue(option.attributeName()) === undefined)
    if (missing !== undefined) command.error(`error: required option '${missing.flags}' not specified`)
  })
  for (const inner of command.commands) requireOptionsLast(inner)
}
