/** Each operation of the management API’s table as a command of `sallyport manage`. */

import type { Command, Option } from 'commander'
import { describedOperations } from '../../management/described-operations.ts'
import type { OperationDescription } from '../../management/description.ts'
import { table } from '../table.ts'
import { flagName, typedNull } from './member-flag.ts'
import {
  bodyFlags,
  commandOf,
  type MemberFlag,
  membersWithoutFlag,
  type OperationCommand,
  paramsOf,
  queryFlags,
} from './operation-command.ts'
import type { Typed } from './run-operation.ts'

export function registerOperations(group: Command): void {
  for (const operation of describedOperations) addCommand(group, commandOf(operation))
  for (const one of group.commands) if (one.commands.length > 0) one.description(verbsOf(one))
}

const verbsOf = ({ commands }: Command): string => commands.map((command) => command.name()).join(', ')

function addCommand(group: Command, { operation, words, positional, options }: OperationCommand): void {
  const name = words.at(-1) ?? ''
  const argument = positional === null ? '' : ` <${flagName(positional)}>`
  const command = groupOf(group, words.slice(0, -1))
    .command(name + argument)
    .description(operation.about)
  for (const option of options) command.addOption(option)
  command.addHelpText('after', () => otherMembers(operation))
  command.action(async (...given: unknown[]) => {
    // Commander hands over the argument, then the options, then the command.
    const values = given.at(-2) as Readonly<Record<string, unknown>>
    const { runOperation } = await import('./run-operation.ts')
    await runOperation(operation, sort(operation, positional === null ? null : String(given[0]), values))
  })
}

function otherMembers(operation: OperationDescription): string {
  const members = membersWithoutFlag(operation)
  const lines = table(members.map(([member, about]) => [`  ${member}`, about]))
  return members.length === 0 ? '' : `\nOnly with --set or --file:\n${lines}`
}

/** Made when its first command is. */
function groupOf(above: Command, words: readonly string[]): Command {
  return words.reduce(
    (command, word) => command.commands.find((one) => one.name() === word) ?? command.command(word),
    above,
  )
}

const typedValue = (values: Readonly<Record<string, unknown>>, option: Option): unknown =>
  values[option.attributeName()]

function membersOf(flags: readonly MemberFlag[], values: Readonly<Record<string, unknown>>) {
  const entries = flags.map(({ member, options: [option] }) => [member, option && typedValue(values, option)])
  const given = entries.filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([member, value]) => [member, value === typedNull ? null : value]))
}

/** From commander's names to those of the API. */
function sort(
  operation: OperationDescription,
  argument: string | null,
  values: Readonly<Record<string, unknown>>,
): Typed {
  const { options } = commandOf(operation)
  const placed = paramsOf(operation).map((name) => {
    const option = options.find((one) => one.name() === flagName(name) && one.mandatory)
    return [name, option === undefined ? (argument ?? '') : String(typedValue(values, option))]
  })
  const flags = membersOf(bodyFlags(operation), values)
  return {
    params: Object.fromEntries(placed),
    query: membersOf(queryFlags(operation), values),
    body: { ...(values as Pick<Typed['body'], 'file' | 'set'>), flags },
    options: values as Typed['options'],
  }
}
