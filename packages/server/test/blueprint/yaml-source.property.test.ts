// Blueprint files for every text there is: a value that JSON would have read alike, or problems with a place.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { type Reading, readYaml } from '../../src/blueprint/yaml-source.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { sample } from './sample.ts'

const read = (reading: Reading): unknown => ('source' in reading ? reading.source.value : 'refused')

function assertHasPlace(reading: Reading, text: string): void {
  if ('source' in reading) return
  assert.ok(reading.problems.length > 0)
  const lines = text.split('\n').length
  for (const { line, column } of reading.problems) assert.ok(line >= 1 && line <= lines && column >= 1, text)
}

const name = fc
  .string({ unit: 'grapheme', maxLength: 6 })
  .filter((text) => text.isWellFormed() && !text.includes('\0'))
const scalar = fc.oneof(
  name,
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)
const isExact = (value: unknown) =>
  typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    scalar.filter(isExact),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      name.filter((text) => text !== '__proto__'),
      tie('value'),
      { maxKeys: 3, noNullPrototype: true },
    ),
  ),
}))

test('issue 1, blueprints: what is written as JSON is read as JSON, indented or not', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, 2), (written, indent) => {
      const text = JSON.stringify(written, null, indent)
      assert.deepEqual(read(readYaml('a.yaml', text)), JSON.parse(text), text)
    }),
    { numRuns: 300 },
  )
})

// What YAML makes something of, and what it takes for something else.
const piece = fc.constantFrom(
  ...[
    '\n',
    '\n  ',
    '\n\t',
    ' ',
    ': ',
    '- ',
    '? ',
    ', ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '\\',
    '#',
    '|',
    '>',
    '|+9',
    '%YAML 1.1',
  ],
  ...[
    '&a ',
    '*a',
    '!!str ',
    '!x ',
    '---\n',
    '...',
    '<<: ',
    'a',
    'b: ',
    '1',
    '.inf',
    '0x1',
    '1e999',
    '~',
    '\0',
    '\ud800',
    '\u2028',
    '\ufeff',
  ],
)

test('issue 1, blueprints: no text makes the reader throw, every problem has a place, and none repeats a value', () => {
  const canary = 'c4naryvalue'
  const hostile = fc
    .array(fc.oneof(piece, fc.constant(`: ${canary}`)), { maxLength: 12 })
    .map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string()), (text) => {
      const reading = readYaml('a.yaml', text)
      assertHasPlace(reading, text)
      const { problems } = parseBlueprints([{ name: 'a.yaml', text }])
      assert.ok(
        problems?.every(({ line, column }) => line >= 1 && column >= 1),
        text,
      )
      // As a member's name it stands in the path; what stands behind a colon must not.
      if ('problems' in reading && !new RegExp(`${canary}[^\\n]*:`).test(text))
        assert.ok(
          !JSON.stringify(reading.problems.map(({ found, expected }) => [found, expected])).includes(canary),
          text,
        )
    }),
    { numRuns: 2000 },
  )
})

test('issue 1, blueprints: a good file with a piece of it replaced is read or refused with a place, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.nat(sample.length), fc.nat(2), piece, (at, length, inserted) => {
      const text = sample.slice(0, at) + inserted + sample.slice(at + length)
      const { problems = [] } = parseBlueprints([{ name: 'a.yaml', text }])
      assert.ok(
        problems.every(({ line, column }) => line >= 1 && column >= 1),
        text,
      )
    }),
    { numRuns: 500 },
  )
})

test('issue 1, blueprints: a key that stands twice, an alias and a tag are refused wherever they stand', () => {
  const inside = (text: string, depth: number) => `${'{"a": ['.repeat(depth)}${text}${']}'.repeat(depth)}`
  fc.assert(
    fc.property(
      fc.constantFrom(
        '{"b": 1, "b": 2}',
        '{"b": 1, b: 2}',
        '[&x 1, *x]',
        '!!str 1',
        '!x {}',
        '9007199254740993',
        '.nan',
        '"\\0"',
      ),
      fc.nat(8),
      (text, depth) => {
        assert.equal(read(readYaml('a.yaml', inside(text, depth))), 'refused')
        assert.notEqual(read(readYaml('a.yaml', inside('{"b": 1, "c": 2}', depth))), 'refused')
      },
    ),
  )
})

test('trust R22: a file of nothing but brackets, or of a megabyte and more, is refused and not followed down', () => {
  for (const open of ['[', '{"a":', '- ', '? ', '[[{']) {
    const text = open.repeat(10_000)
    const reading = readYaml('a.yaml', text)
    assert.ok('problems' in reading, open)
    assertHasPlace(reading, text)
  }
  assert.ok('problems' in readYaml('a.yaml', `a: "${'x'.repeat(1_048_576)}"`))
  assert.ok('source' in readYaml('a.yaml', `a: "${'x'.repeat(1_048_000)}"`))
})

type Path = readonly (string | number)[]

function pathsOf(node: unknown, path: Path = []): Path[] {
  if (typeof node !== 'object' || node === null) return [path]
  return [path, ...Object.entries(node).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))]
}

function replaced(node: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by
  const copy = Array.isArray(node) ? [...node] : { ...(node as object) }
  Reflect.set(copy, key, replaced(Reflect.get(copy, key), rest, by))
  return copy
}

test('issue 1, blueprints: whatever stands at any place of a good file, the answer is declarations or problems with a place', () => {
  const more = {
    client_authentication: ['private_key_jwt'],
    grant_types: ['client_credentials'],
    access_token_lifetime: '1h',
  }
  const key = { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32, 9).toString('base64url') }
  const credentials = [
    { id: 'main', public_key: key },
    { id: 'next', jwks_uri: 'https://app.example/keys' },
  ]
  const apps = [app('one'), app('two', { ...more, credentials })]
  const dialect = {
    request: { token_path: '/auth', multipart: true },
    token: { claims: { sub: '${app.client_id}' } },
  }
  const good = JSON.parse(blueprint(tenant('acme', apps, { dialect, hosts: ['acme.example'] })))
  const paths = pathsOf(good)
  const put = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      '',
      'x',
      -1,
      1e9,
      [],
      {},
      [{}],
      { '': null },
      '${app.x',
      { kty: 'RSA' },
      'http://x',
      '*',
      ['*'],
    ),
  )
  const places = fc.array(fc.tuple(fc.constantFrom(...paths), put), { minLength: 1, maxLength: 2 })
  fc.assert(
    fc.property(places, (changes) => {
      const [file, text] = [
        'a.yaml',
        JSON.stringify(
          changes.reduce((node, [path, by]) => replaced(node, path, by), good),
          null,
          1,
        ),
      ]
      const { problems } = parseBlueprints([{ name: file, text }])
      if (problems === undefined) return
      assert.ok(problems.length > 0)
      for (const { line, found, expected } of problems)
        assert.ok(line >= 1 && found !== '' && expected !== '')
    }),
    { numRuns: 300 },
  )
})
