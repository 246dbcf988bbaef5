/** An operation as a command: its words, what stands without a flag, and the flags; all read off the table. */

import { InvalidArgumentError, Option } from 'commander'
import type { ObjectShape, OperationDescription, Shape } from '../../management/description.ts'
import { flagName, memberOptions, memberWords } from './member-flag.ts'

export interface OperationCommand {
  readonly operation: OperationDescription
  /** The last one is the command itself, those before it are groups. */
  readonly words: readonly string[]
  /** The path parameter that needs no flag. */
  readonly positional: string | null
  readonly options: readonly Option[]
}

/** One flag, and the member of the body or the query that it sets. */
export interface MemberFlag {
  readonly member: string
  readonly options: readonly Option[]
}

export const paramsOf = ({ path }: OperationDescription): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

/** The last parameter is the thing itself: where the path ends with it, or where the command names it. */
function positionalOf({ path, command }: OperationDescription): string | null {
  const last = /\{(\w+)\}(?!.*\{)/.exec(path)?.[1]
  if (last === undefined) return null
  const [noun = '', verb = ''] = command.split(' ')
  const word = flagName(last)
  return path.endsWith('}') || noun.endsWith(`${word}s`) || verb === word ? last : null
}

const ownFlags = [
  'profile',
  'json',
  'limit',
  'all',
  'cursor',
  'file',
  'set',
  'yes',
  'dry-run',
  'idempotency-key',
]

const propertiesOf = (shape: ObjectShape | null): readonly [string, Shape][] =>
  Object.entries(shape?.properties ?? {})

const isTaken = ({ path }: OperationDescription, member: string): boolean =>
  [...ownFlags, 'help'].includes(flagName(member)) || path.includes(`{${member}}`)

const flagsOf = (
  operation: OperationDescription,
  shape: ObjectShape | null,
  mayBeNull: boolean,
): readonly MemberFlag[] =>
  propertiesOf(shape)
    .filter(([member]) => !isTaken(operation, member))
    .map(([member, of]) => ({ member, options: memberOptions(member, of, mayBeNull) }))
    .filter(({ options }) => options.length > 0)
    .map((flag) => (mustHave(operation, flag.member) ? { ...flag, options: flag.options.map(marked) } : flag))

/** Of what is made anew: a change may leave out anything. */
const mustHave = ({ method, body }: OperationDescription, member: string): boolean =>
  method === 'POST' && (body?.required ?? []).includes(member)

/** Not to commander, who would refuse what a file has. */
function marked(option: Option): Option {
  option.description = `${option.description} (required)`.trim()
  return option
}

/** What only `--set` and `--file` can say, and in which words. */
export function membersWithoutFlag(
  operation: OperationDescription,
): readonly (readonly [member: string, about: string])[] {
  const flags = bodyFlags(operation).map(({ member }) => member)
  return propertiesOf(operation.body).flatMap(([member, of]) =>
    flags.includes(member) ? [] : [[member, memberWords(member, of, operation.method === 'PATCH')] as const],
  )
}

/** Whoever takes them for flags is told how they are said. */
function misguided(operation: OperationDescription): readonly Option[] {
  return membersWithoutFlag(operation)
    .filter(([member]) => !isTaken(operation, member))
    .map(([member]) =>
      new Option(`--${flagName(member)} [value]`)
        .hideHelp()
        // Else commander would not ask the reader where the value is missing too.
        .preset('')
        .argParser(() => {
          throw new InvalidArgumentError(`It goes by --set ${member}=VALUE or --file: see --help.`)
        }),
    )
}

export const bodyFlags = (operation: OperationDescription): readonly MemberFlag[] =>
  flagsOf(operation, operation.body, operation.method === 'PATCH')

export const queryFlags = (operation: OperationDescription): readonly MemberFlag[] =>
  flagsOf(operation, operation.query, false)

export function commandOf(operation: OperationDescription): OperationCommand {
  const positional = positionalOf(operation)
  const places = paramsOf(operation).filter((name) => name !== positional)
  return {
    operation,
    words: operation.command.split(' '),
    positional,
    options: [
      ...places.map((name) => placeOption(name)),
      ...[...bodyFlags(operation), ...queryFlags(operation)].flatMap(({ options }) => options),
      ...misguided(operation),
      ...kindOptions(operation),
      new Option('--json', 'print JSON'),
      new Option('--profile <profile>', 'which server, as whom (see sallyport manage profiles)'),
    ],
  }
}

/** Of an app people know the id, which no path takes. */
const placeOption = (name: string): Option =>
  marked(
    name === 'app'
      ? new Option('--app <client-id>', 'the client id of the app')
      : new Option(`--${flagName(name)} <id>`, `the ${flagName(name).replaceAll('-', ' ')}`),
  ).makeOptionMandatory()

function kindOptions({ kind, method, body }: OperationDescription): readonly Option[] {
  if (kind === 'read') return []
  if (kind === 'list')
    return [
      new Option('--limit <count>', 'at most so many').default('50'),
      new Option('--all', 'everything, however much it is').conflicts('limit'),
      new Option('--cursor <cursor>', 'go on after an earlier list: its next_cursor'),
    ]
  return [
    ...(body === null ? [] : bodyOptions),
    new Option('--dry-run', 'show what would be sent, and send no write'),
    new Option('--yes', 'do not ask, whatever it destroys'),
    ...(method === 'POST'
      ? [new Option('--idempotency-key <key>', 'say it again with the same key: it is done once')]
      : []),
  ]
}

const bodyOptions: readonly Option[] = [
  new Option(
    '--set <path=value>',
    'one member, such as token_exchange.mode=delegation or /scopes/rest=["read"]; JSON, else text; repeat it for more',
  ).argParser((text, before: readonly string[] = []) => [...before, text]),
  new Option('--file <file>', 'the body, as JSON or YAML; - for standard input'),
]
