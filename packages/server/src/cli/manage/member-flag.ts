/** A member of a body or a query as a flag: what it takes, in words, and how its text is read. */

import { InvalidArgumentError, Option } from 'commander'
import type { Shape } from '../../management/description.ts'
import { builtInRoles } from '../../management/permissions.ts'
import { offering } from '../offers.ts'

type ReadText = (text: string) => unknown

/** Stands for null on its way through commander, which takes that for a value that is missing. */
export const typedNull = Symbol('null')

export const flagName = (member: string): string => member.replaceAll('_', '-')

/** None for what a flag cannot say; `mayBeNull` where null takes a member away (RFC 7396). */
export function memberOptions(member: string, shape: Shape, mayBeNull: boolean): readonly Option[] {
  const flag = `--${flagName(member)}`
  const words = memberWords(member, shape, mayBeNull)
  if (shape.type === 'boolean')
    return [new Option(flag, words), new Option(`--no-${flagName(member)}`, 'the opposite')]
  const { items } = shape
  if (items !== undefined) return listOption(member, items, words)
  const read = readerOf(member, shape, mayBeNull)
  if (read === null) return []
  return [offering(new Option(`${flag} <value>`, words).argParser(read), choiceTexts(shape))]
}

/** What it is for, its form, and what holds without it; of a change nothing does, as what is left out stays. */
export function memberWords(
  member: string,
  { about = '', fallback, ...shape }: Shape,
  isChange: boolean,
): string {
  const { items } = shape
  const isRepeated = items !== undefined && readerOf('', items, false) !== null
  const words = [
    lowerFirst(plain(about)),
    isInstant(member, shape) ? `${formOf(shape)}, or a date` : formOf(shape),
    isRepeated ? 'repeat it for more' : '',
  ]
  const said = words.filter((word) => word !== '').join('; ')
  return fallback === undefined || isChange ? said : `${said} (default: ${plain(fallback)})`
}

/** The words stand in Markdown too, where they are marked as code. */
const plain = (words: string): string => words.replaceAll('`', '')

const lowerFirst = (words: string): string =>
  words.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase())

/** A list of texts: one text each time. */
function listOption(member: string, items: Shape, about: string): readonly Option[] {
  const read = readerOf('', items, false)
  if (read === null) return []
  const option = new Option(`--${flagName(member)} <value>`, about)
  // A tenant's own roles are good too, and nobody waits for a server at the Tab key.
  const offers = member === 'roles' ? Object.keys(builtInRoles) : choiceTexts(items)
  return [
    offering(
      option.argParser((text, before: readonly unknown[] = []) => [...before, read(text)]),
      offers,
    ),
  ]
}

const alternativesOf = (shape: Shape): readonly Shape[] => shape.anyOf?.flatMap(alternativesOf) ?? [shape]

const choicesOf = ({ enum: choices = [], const: only }: Shape): readonly unknown[] =>
  only === undefined ? choices : [only]

const choiceTexts = (shape: Shape): readonly string[] => alternativesOf(shape).flatMap(choicesOf).map(String)

function formOf(shape: Shape): string {
  const alternatives = alternativesOf(shape)
  const choices = alternatives.flatMap(choicesOf)
  if (choices.length > 0) return `one of ${choices.join(', ')}`
  const described = shape.description ?? alternatives.find(({ description }) => description)?.description
  return described ?? (shape.items === undefined ? '' : formOf(shape.items))
}

/** House rule: what ends in `_at` are seconds since 1970; and the two ends of a time in filters. */
const isInstant = (member: string, shape: Shape): boolean =>
  (member.endsWith('_at') || ['since', 'until'].includes(member)) &&
  alternativesOf(shape).some(({ type }) => type === 'integer')

/** Null for what no single text can say. */
function readerOf(member: string, shape: Shape, mayBeNull: boolean): ReadText | null {
  const alternatives = alternativesOf(shape)
  const choices = alternatives.flatMap(choicesOf)
  const isPlain = alternatives.some((one) => one.type === 'string' && choicesOf(one).length === 0)
  const isNumber = alternatives.some(({ type }) => type === 'integer' || type === 'number')
  const takesNull = mayBeNull || alternatives.some(({ type }) => type === 'null')
  if (!isPlain && !isNumber && choices.length === 0) return null
  return (text) => {
    if (isPlain) return text
    if (text === 'null' && takesNull) return typedNull
    if (isNumber) return isInstant(member, shape) ? readInstant(text) : readNumber(text)
    if (choices.includes(text)) return text
    throw new InvalidArgumentError(`It takes one of ${choices.join(', ')}.`)
  }
}

function readNumber(text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('It takes a number.')
  return number
}

function readInstant(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text)
  const milliseconds = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isNaN(milliseconds))
    throw new InvalidArgumentError(
      'It takes a date such as 2027-06-30 or 2027-06-30T12:00:00Z, or seconds since 1970.',
    )
  return Math.floor(milliseconds / 1000)
}
