// JSON from strangers: what is said once is taken however it is spelled, what is said twice never is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJsonObject } from '@sallyport/protocol'
import * as fc from '../../../test/property.ts'

/** As JSON may write it: values beside texts of them. */
const blank = fc.constantFrom('', '', '', ' ', '\n\t')
// A name with a backslash in it makes V8 14.6 read later ones wrongly; none that means anything has one.
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'exp', '__proto__', '', '1', 'é'),
  fc.string().filter((one) => !/["\\]/.test(one)),
)
const spelledName = fc.tuple(name, fc.boolean()).map(([text, isEscaped]) => ({
  name: text,
  text: isEscaped ? `"${[...text].flatMap(escapes).join('')}"` : JSON.stringify(text),
}))
const escapes = (character: string): string[] =>
  Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  })

const zeros = fc.nat({ max: 12 })
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => JSON.stringify(one)),
  fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }).map(String),
  fc.tuple(fc.integer({ min: 1, max: 999 }), zeros).map(([one, many]) => `${one}e${many}`),
  fc.tuple(fc.integer({ min: 1, max: 999 }), zeros).map(([one, many]) => String(one * 10 ** many)),
  fc.constantFrom('-0', '0.0', '1E+2', '100e-2', '0e9'),
)
const leaf = fc.oneof(
  number,
  fc.constantFrom('true', 'false', 'null'),
  fc.string().map((one) => JSON.stringify(one)),
)
const { object } = fc.letrec<{ object: string; value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }).map((all) => `[${all.join()}]`),
  ),
  object: fc
    .uniqueArray(fc.tuple(spelledName, tie('value'), blank), { maxLength: 6, selector: ([one]) => one.name })
    .map((all) => `{${all.map(([one, value, space]) => `${one.text}${space}:${space}${value}`).join()}}`),
}))

test('RFC 8259 §4: an object whose members all differ is taken, however its names, numbers and blanks are spelled', () => {
  fc.assert(
    fc.property(object, (text) => assert.deepEqual(parseJsonObject(text), JSON.parse(text))),
    { numRuns: 2000 },
  )
})

test('RFC 8725 §2.4: a member that stands there twice is refused, wherever and however it is written', () => {
  const twice = fc.tuple(
    spelledName,
    object,
    object,
    fc.constantFrom(...['', ' ']),
    fc.boolean(),
    fc.boolean(),
  )
  fc.assert(
    fc.property(twice, ([{ name: same, text }, first, second, space, isEscaped, isWithin]) => {
      const again = isEscaped ? `"${[...same].flatMap(escapes).join('')}"` : JSON.stringify(same)
      const all = `{${text}:${first},${space}${again}:${second}}`
      assert.equal(parseJsonObject(isWithin ? `{"in":[${all}]}` : all), null)
    }),
    { numRuns: 2000 },
  )
})

test('RFC 8725 §2.4: no number is so short beside its digits that a second member hides behind it', () => {
  const numbers = [
    '1e10',
    '12e9',
    '5e2',
    '1e21',
    '1e-9',
    '-0',
    '-1e9',
    '0.5',
    '1E15',
    '9007199254740993',
    '1e0',
    '100',
  ]
  for (const written of numbers)
    for (let length = 0; length < 40; length += 1)
      for (const hidden of [`"a":"${'x'.repeat(length)}"`, `"a":${'1'.repeat(length + 1)}`])
        assert.equal(parseJsonObject(`{"n":${written},${hidden},"a":""}`), null, `${written} ${hidden}`)
})
