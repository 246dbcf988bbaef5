// RFC 7515 and the JSON in it, for every text there is: read back as written, one spelling, no work beyond the limits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { parseJsonObject, readJws } from '../src/index.ts'
import { anyText } from './any-text.ts'

const encode = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64url')
const decode = (part: string): Buffer => Buffer.from(part, 'base64url')

const json = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), {
  maxKeys: 4,
  noNullPrototype: true,
})
/** JSON has one zero. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const members = fc.record({ alg: fc.string({ maxLength: 8 }), kid: fc.string({ maxLength: 8 }) })
const signature = fc.uint8Array({ minLength: 1, maxLength: 100 })
const compact = fc.tuple(fc.tuple(json, members), json, signature).map(([[more, known], payload, bytes]) => {
  const { crit: _, b64: __, zip: ___, ...header } = { ...more, ...known } as Record<string, unknown>
  return {
    header,
    payload,
    bytes,
    text: [header, payload].map((part) => encode(JSON.stringify(part))).join('.'),
  }
})

test('RFC 7515 §7.1: whatever is written as a compact JWS is read back as it was', () => {
  fc.assert(
    fc.property(compact, ({ header, payload, bytes, text }) => {
      const jws = readJws(`${text}.${encode(bytes)}`)
      assert.ok(jws)
      assert.equal(jws.algorithm, header.alg)
      assert.deepEqual({ ...jws.header }, plain(header))
      assert.deepEqual({ ...jws.payload }, plain(payload))
      assert.deepEqual(Buffer.from(jws.signature), Buffer.from(bytes))
      assert.equal(jws.signingInput, text)
    }),
  )
})

test('RFC 7515 §2: what is read has one spelling, so no other text is the same JWS', () => {
  const character = fc.constantFrom(...'ABCZaz019-_=+/. \n\0é')
  fc.assert(
    fc.property(compact, fc.nat(), character, fc.nat(2), ({ bytes, text }, place, put, taken) => {
      const original = `${text}.${encode(bytes)}`
      const at = place % original.length
      const changed = original.slice(0, at) + put + original.slice(at + taken)
      const jws = readJws(changed)
      if (jws === null) return
      assert.equal(`${jws.signingInput}.${encode(jws.signature)}`, changed)
      const [header = '', payload = ''] = jws.signingInput.split('.')
      assert.deepEqual([encode(decode(header)), encode(decode(payload))], [header, payload])
    }),
    { numRuns: 1000 },
  )
})

test('RFC 8725 §2.6: nothing longer than 16,384 characters is read, whatever it holds', () => {
  const longer = fc.integer({ min: -40, max: 40 })
  fc.assert(
    fc.property(longer, fc.constantFrom('payload', 'signature'), (more, part) => {
      const head = `${encode('{"alg":"ES256"}')}.`
      const payload = (length: number) => encode(`{"a":"${'x'.repeat(Math.max(0, length))}"}`)
      const room = 16_384 + more - head.length
      const text =
        part === 'payload'
          ? `${head}${payload(Math.floor(((room - 5) / 4) * 3) - 8)}.AAAA`
          : `${head}e30.${'A'.repeat(room - 4)}`
      const isCanonical = part === 'payload' || (room - 4) % 4 !== 1
      assert.equal(readJws(text) !== null, text.length <= 16_384 && isCanonical, String(text.length))
    }),
  )
  // Not by its look: of whatever it is made.
  for (const piece of ['.', 'A', 'e30.', '=', '\0', '{', 'é'])
    assert.equal(readJws(piece.repeat(16_385)), null)
})

/** JSON as a tree that knows what JSON.parse forgets: every member in its order, and how it was spelled. */
type Tree =
  | { readonly kind: 'leaf'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [name: Name, value: Tree])[] }
interface Name {
  readonly name: string
  readonly written: string
}

const blank = fc.constantFrom('', '', '', ' ', '\n', '\t\r ')
const escaped = (text: string, which: readonly boolean[]): string =>
  [...text]
    .map((unit, index) =>
      which[index % which.length]
        ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
        : JSON.stringify(unit).slice(1, -1),
    )
    .join('')
// No name ends in a backslash: JSON.parse of V8 14.6 takes {"b\"":1} for {"b\\":1} once it has read such an object.
const name = fc
  .tuple(
    fc
      .string({ unit: fc.constantFrom('a', 'b', '"', '\\', ':', '{', 'é'), maxLength: 2 })
      .filter((text) => !text.endsWith('\\')),
    fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }),
  )
  .map(([text, which]): Name => ({ name: text, written: `"${escaped(text, which)}"` }))
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc
      .oneof(
        fc.constantFrom('1', '-0.5e3', 'true', 'null', '"a"', '"}{\\""', '"a:"'),
        name.map(({ written }) => written),
      )
      .map((text): Tree => ({ kind: 'leaf', text })),
    fc.array(tie('tree'), { maxLength: 3 }).map((items): Tree => ({ kind: 'list', items })),
    fc
      .array(fc.tuple(name, tie('tree')), { maxLength: 3 })
      .map((entries): Tree => ({ kind: 'map', entries })),
  ),
}))

const print = (node: Tree, space: string): string => {
  if (node.kind === 'leaf') return node.text
  if (node.kind === 'list')
    return `[${space}${node.items.map((item) => print(item, space)).join(`${space},`)}]`
  const entries = node.entries.map(
    ([{ written }, value]) => `${written}${space}:${space}${print(value, space)}`,
  )
  return `{${space}${entries.join(`${space},${space}`)}${space}}`
}

const repeats = (node: Tree): boolean => {
  if (node.kind === 'leaf') return false
  if (node.kind === 'list') return node.items.some(repeats)
  const names = node.entries.map(([{ name: text }]) => text)
  return new Set(names).size < names.length || node.entries.some(([, value]) => repeats(value))
}

test('RFC 8725 §2.4: of all JSON objects those are read whose members have one name each, however it is escaped', () => {
  let refused = 0
  fc.assert(
    fc.property(tree, blank, (node, space) => {
      const text = space + print(node, space) + space
      const read = parseJsonObject(text)
      if (node.kind !== 'map' || repeats(node)) {
        refused += Number(node.kind === 'map')
        assert.equal(read, null, text)
      } else assert.deepEqual(read, JSON.parse(text), text)
    }),
    { numRuns: 2000 },
  )
  assert.ok(refused > 20, 'members that repeat were among them')
})

test('trust R22: no text makes the JSON reader throw, what it reads JSON.parse reads alike, and sixteen levels are all', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    '"a"',
    '1',
    ' ',
    '\\u0061',
    'null',
    '"a":1',
  )
  const hostile = fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(hostile, anyText(), fc.json()), (text) => {
      const read = parseJsonObject(text)
      if (read !== null) assert.deepEqual(read, JSON.parse(text))
    }),
    { numRuns: 1000 },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.boolean(), (depth, isList) => {
      const [open, close] = isList ? ['[', ']'] : ['{"a":', '}']
      const text = `{"a":${open.repeat(depth - 1)}1${close.repeat(depth - 1)}}`
      assert.equal(parseJsonObject(text) !== null, depth <= 16)
    }),
  )
  // Far more brackets than the stack could hold.
  for (const bracket of ['[', '{"a":']) assert.equal(parseJsonObject(`{"a":${bracket.repeat(200_000)}`), null)
})
