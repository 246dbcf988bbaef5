/** What a member of client metadata can be: whether a value is of the kind, and the kind in words. */

import { isMembers, type Members } from '@sallyport/protocol'

export interface Kind<Value> {
  readonly expected: string
  is(value: unknown): value is Value
}

// Whatever shows it to people must not be led astray by it: no control character, none that turns the reading order.
const misleading = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u

const isPlain = (value: unknown, longest: number): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= longest &&
  // Half a surrogate pair is kept by no database.
  value.isWellFormed() &&
  !misleading.test(value)

// U+2800 is an empty pattern of Braille.
const blank = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]*$/u

export const text = (longest: number): Kind<string> => ({
  expected: `text of 1 to ${longest} printable characters, not blanks alone`,
  is: (value): value is string => isPlain(value, longest) && !blank.test(value),
})

export const texts = (most: number, longest: number): Kind<readonly string[]> => ({
  expected: `a list of at most ${most} texts of 1 to ${longest} printable characters`,
  is: (value): value is readonly string[] =>
    Array.isArray(value) && value.length <= most && value.every((one) => isPlain(one, longest)),
})

export const flag: Kind<boolean> = {
  expected: 'true or false',
  is: (value): value is boolean => typeof value === 'boolean',
}

export const oneOf = <const Name extends string>(names: readonly Name[]): Kind<Name> => ({
  expected: `one of ${names.join(', ')}`,
  is: (value): value is Name => names.some((name) => name === value),
})

export interface KeySet {
  readonly keys: readonly Members[]
}

const isNamedPlainly = ({ kid }: Members): boolean => kid === undefined || isPlain(kid, 200)

/** RFC 7517 §5; what the keys are is looked into later. */
export const keySet = (most: number): Kind<KeySet> => ({
  expected: `a JWK set of 1 to ${most} keys, each kid 1 to 200 printable characters`,
  is: (value): value is KeySet =>
    isMembers(value) &&
    Array.isArray(value.keys) &&
    value.keys.length > 0 &&
    value.keys.length <= most &&
    value.keys.every((key) => isMembers(key) && isNamedPlainly(key)),
})
