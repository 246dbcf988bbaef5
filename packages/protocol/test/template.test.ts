// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates as data are what is tested here
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { compileTemplate, type JsonObject, type JsonValue, TemplateError } from '../src/index.ts'

const variables = ['app.client_id', 'app.name', 'now', 'scopes', 'organization.attributes.*']
const values = {
  app: { client_id: 'c1', name: 'My App' },
  now: 1606787228,
  scopes: ['a:*', 'sso'],
  organization: { attributes: { uid: 'u1', 'billing.tier': 3, owner: { uid: 'x' } } },
}
const render = (template: JsonObject) => compileTemplate(template, variables).render(values)

function faultOf(template: JsonObject): TemplateError {
  try {
    compileTemplate(template, variables).render(values)
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
  return assert.fail('no fault found')
}

test('003-13: a string that is exactly a variable takes its value with its own type', () => {
  assert.deepEqual(render({ scope: '${scopes}', iat: '${now}', owner: '${organization.attributes.owner}' }), {
    scope: ['a:*', 'sso'],
    iat: 1606787228,
    owner: { uid: 'x' },
  })
})

test('003-11: objects and arrays nest, and constants stay as they are', () => {
  const template = {
    owner: { uid: '${organization.attributes.uid}', tags: ['x', '${app.name}', null] },
    version: 2,
    ok: true,
  }
  assert.deepEqual(render(template), {
    owner: { uid: 'u1', tags: ['x', 'My App', null] },
    version: 2,
    ok: true,
  })
})

test('001-07: members keep the order of the template', () => {
  const names = ['access_token', 'expires_in', 'token_type']
  const template = { access_token: '${app.name}', expires_in: '${now}', token_type: 'Bearer' }
  assert.deepEqual(Object.keys(render(template)), names)
})

test('003-11: a variable inside longer text is written into it', () => {
  assert.deepEqual(render({ text: 'app ${app.name} at ${now}!', both: '${app.client_id}${now}' }), {
    text: 'app My App at 1606787228!',
    both: 'c11606787228',
  })
})

test('ask 9: a doubled dollar sign writes a placeholder literally, and other dollar signs mean nothing', () => {
  assert.deepEqual(
    render({ a: '$${now}', b: '$${now} ${now}', c: '$', d: '$now {now} $$', e: '', f: '${now}$${' }),
    {
      a: '${now}',
      b: '${now} 1606787228',
      c: '$',
      d: '$now {now} $$',
      e: '',
      f: '1606787228${',
    },
  )
})

test('003-16: a member whose variable is undefined is left out, of arrays and text too', () => {
  const compiled = compileTemplate(
    { a: '${app.name}', b: ['${app.name}', 1], c: 'x ${app.name}', d: 1 },
    variables,
  )
  assert.deepEqual(compiled.render({}), { b: [1], d: 1 })
  assert.deepEqual(compiled.render({ app: undefined }), { b: [1], d: 1 })
  assert.deepEqual(compiled.render({ app: null }), { b: [1], d: 1 })
  assert.deepEqual(compiled.render({ app: { name: undefined } }), { b: [1], d: 1 })
})

test('ask 9: an open map takes any key, dots included, and never reaches the prototype', () => {
  assert.deepEqual(
    render({ tier: '${organization.attributes.billing.tier}', no: '${organization.attributes.none}' }),
    { tier: 3 },
  )
  for (const key of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.deepEqual(render({ leak: `\${organization.attributes.${key}}` }), {})
  }
})

test('ask 9: an unknown variable is an error with its path and the nearest names', () => {
  const fault = faultOf({ owner: { uid: ['${app.nme}'] } })
  assert.equal(fault.path, 'owner.uid[0]')
  assert.equal(fault.variable, 'app.nme')
  assert.equal(fault.nearest[0], 'app.name')
  assert.match(fault.message, /owner\.uid\[0\].*\$\{app\.nme\}.*did you mean app\.name/)
})

test('ask 9: names that look allowed but are not are errors', () => {
  for (const text of [
    '${}',
    '${ now }',
    '${app}',
    '${app.name.x}',
    '${organization.attributes}',
    '${organization.attributes.}',
    '${Now}',
    '${now',
    'a ${',
    '${a${now}}',
  ]) {
    assert.ok(faultOf({ member: text }) instanceof TemplateError, text)
  }
})

test('ask 9: member names are plain, and nesting has an end', () => {
  assert.equal(faultOf({ '${now}': 1 }).path, '${now}')
  assert.equal(faultOf({ a: JSON.parse('{"__proto__": 1}') }).path, 'a.__proto__')
  let deep: JsonValue = 1
  for (let depth = 0; depth < 1000; depth++) deep = [deep]
  assert.match(faultOf({ deep }).message, /deeper/)
})

test('ask 9: an object, an array, null or a boolean cannot stand inside text', () => {
  const compiled = compileTemplate({ text: 'x${now}' }, variables)
  for (const now of [{}, [], null, true]) assert.throws(() => compiled.render({ now }), TemplateError)
})

test('ask 9: a template tells which variables it uses, once each', () => {
  const template = { a: '${now}', b: ['${app.name}', 'x${now}'], c: '${organization.attributes.uid}' }
  assert.deepEqual(compileTemplate(template, variables).variables, [
    'now',
    'app.name',
    'organization.attributes.uid',
  ])
})

test('ask 9: every rendering is a fresh object, so that changing one changes no other', () => {
  const compiled = compileTemplate({ list: ['a'], inner: { a: 1 } }, variables)
  const first = compiled.render({})
  Object.assign(first.inner as object, { a: 2 })
  assert.deepEqual(compiled.render({}), { list: ['a'], inner: { a: 1 } })
})

test('ask 9: a template without placeholders renders to itself, and with escapes any JSON can be written', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (json) => {
      const source = JSON.stringify(json)
      fc.pre(!source.includes('__proto__') && !/\$\$*\{/.test(source))
      const template = JSON.parse(source) as JsonObject
      assert.deepEqual(compileTemplate(template, []).render({}), JSON.parse(source))
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '$', '{', '}', ' ', '.', '${') }), (text) => {
      assert.deepEqual(compileTemplate({ text: text.replaceAll('${', () => '$${') }, []).render({}), { text })
    }),
  )
})

test('ask 9: no template makes the compiler throw anything but a template error', () => {
  const text = fc
    .array(fc.constantFrom('$', '{', '}', '${', '$${', 'now', 'app.name', '.', '*', 'a'))
    .map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(text, (member) => {
      try {
        compileTemplate({ member }, variables).render(values)
      } catch (error) {
        assert.ok(error instanceof TemplateError)
      }
    }),
  )
})
