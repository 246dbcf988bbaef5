// Random tables and spellings: the table decides for what real routers route to, or refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import type { Endpoint } from '../../src/routes/endpoint.ts'
import { createRouteTable } from '../../src/routes/route-table.ts'
import { routerNames, startRouter } from './routers.ts'

const literal = fc.constantFrom('admin', 'keys', 'Me', 'v1.0')
const segment = fc.oneof(literal, fc.constantFrom('{one}', '{two}'))
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, hasSlash]) => `/${segments.join('/')}${hasSlash && segments.length > 0 ? '/' : ''}`)
const endpoint = fc.record({ method: fc.constantFrom('GET', 'POST'), path })

/** Without those that the table would not hold beside the others. */
const endpoints = fc.array(endpoint, { minLength: 1, maxLength: 8 }).map((all) => {
  const kept: Endpoint[] = []
  for (const { method, path } of all) {
    const one = { method, path: renamed(path) }
    if (isTable([...kept, one])) kept.push(one)
  }
  return kept
})

/** Parameters by their place: some routers want one name for one place. */
const renamed = (template: string): string =>
  template
    .split('/')
    .map((one, place) => (one.startsWith('{') ? `{p${place}}` : one))
    .join('/')

function isTable(candidates: readonly Endpoint[]): boolean {
  try {
    return createRouteTable(candidates) !== null
  } catch {
    return false
  }
}

const percent = (one: string): string =>
  [...new TextEncoder().encode(one)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

/** What an attacker does to one character of a path. */
const respell: readonly ((one: string) => string)[] = [
  (one) => one.toUpperCase(),
  (one) => one.toLowerCase(),
  (one) => (one === '/' ? '%2f' : percent(one)),
  (one) => percent(one).toUpperCase(),
  (one) => percent(percent(one)),
  (one) => (one === 'k' ? '%E2%84%AA' : one === 's' ? '%C5%BF' : one),
  (one) => (one === '/' ? '//' : `${one}/`),
  (one) => (one === '/' ? '/./' : one),
  (one) => (one === '/' ? '/x/../' : one),
  (one) => (one === '/' ? '/x/%2e%2E/' : one),
  (one) => (one === '/' ? '\\' : one),
  (one) => (one === '/' ? '%5c' : one),
  (one) => `${one};`,
  (one) => `${one};v=1/`,
  (one) => `${one}#`,
  (one) => `${one}%23`,
  (one) => `${one}?/admin`,
  (one) => `${one}%3f`,
  (one) => `${one}%`,
  (one) => `${one}%00`,
  (one) => `${one}\t`,
  (one) => `${one} `,
  (one) => `${one}%ff`,
  (one) => `${one}.`,
  () => '',
]

const respellWhole: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => path,
  (path) => path.toUpperCase(),
  (path) => path.replaceAll(/[a-z]/g, percent),
]

const change = fc.tuple(fc.nat(), fc.constantFrom(...respell))
/** A request for one of the endpoints, parameters filled in with what may be a literal elsewhere, then spelled anew. */
const request = fc.record({
  choice: fc.nat(),
  method: fc.constantFrom('same', 'same', 'HEAD', 'POST'),
  value: fc.oneof(literal, literal, fc.constantFrom('7', 'a%20b', 'x:y')),
  end: fc.constantFrom('', '', '', '/', '?x=1', '/?/admin'),
  changes: fc.array(change, { maxLength: 2 }),
  whole: fc.constantFrom(...respellWhole),
  start: fc.constantFrom(
    '',
    '',
    '',
    '',
    'http://localhost',
    'http://localhost?',
    'HTTP://localhost',
    '/',
    '\\',
  ),
})
type RequestRecipe = typeof request extends fc.Arbitrary<infer Recipe> ? Recipe : never

function requestFor(all: readonly Endpoint[], recipe: RequestRecipe): readonly [string, string] {
  const { method, path } = all[recipe.choice % all.length] ?? { method: 'GET', path: '/' }
  const filled = path.replaceAll(/\{[^}]*\}/g, recipe.value)
  const letters = [...(recipe.whole(filled) + recipe.end)]
  for (const [place, spell] of recipe.changes) {
    const at = place % letters.length
    letters[at] = spell(letters[at] ?? '')
  }
  return [recipe.method === 'same' ? method : recipe.method, recipe.start + letters.join('')]
}

for (const name of routerNames) {
  test(`trust 35, 170-176: what the table decides for is what ${name} routes to, whatever the table and the spelling`, async () => {
    await fc.assert(
      fc.asyncProperty(
        endpoints,
        fc.array(request, { minLength: 8, maxLength: 16 }),
        async (all, requests) => {
          const table = createRouteTable(all)
          const router = await startRouter(name, all)
          for (const [method, target] of requests.map((one) => requestFor(all, one))) {
            const route = table.find(method, target)
            const reached = await router(method, target)
            if (route.refused === 'malformed') continue
            // A router that drops the last slash never gets to a path that ends with one.
            if (reached === null && route.endpoint?.path.endsWith('/')) continue
            assert.equal(reached, route.endpoint ?? null, `${method} ${target} of ${JSON.stringify(all)}`)
          }
        },
      ),
      { numRuns: 100 },
    )
  })
}

/** The oracle: every endpoint tried, by the definition of the order. */
function firstFitting(all: readonly Endpoint[], method: string, path: string): Endpoint | undefined {
  const asked = path.split('/')
  const fits = (one: Endpoint) => {
    const segments = one.path.split('/')
    return (
      (one.method === method || (method === 'HEAD' && one.method === 'GET')) &&
      segments.length === asked.length &&
      segments.every((each, place) => (each.startsWith('{') ? asked[place] !== '' : each === asked[place]))
    )
  }
  const kinds = (one: Endpoint) =>
    one.path
      .split('/')
      .map((each) => (each.startsWith('{') ? 1 : 0))
      .join('')
  return all.filter(fits).toSorted((one, other) => (kinds(one) < kinds(other) ? -1 : 1))[0]
}

test('trust 35: a path spelled as the table spells it is never taken for misspelled, and finds the first that fits', () => {
  fc.assert(
    fc.property(endpoints, fc.nat(), fc.constantFrom('7', 'a%20b', 'x:y', '%C3%A9'), (all, choice, value) => {
      const chosen = all[choice % all.length]
      if (chosen === undefined) return
      const path = chosen.path.replaceAll(/\{[^}]*\}/g, value)
      // Whether the last slash counts, routers do not agree.
      const isAmbiguous =
        /.\/$/.test(path) && firstFitting(all, chosen.method, path.slice(0, -1)) !== undefined
      const expected = isAmbiguous ? undefined : firstFitting(all, chosen.method, path)
      assert.equal(createRouteTable(all).find(chosen.method, `${path}?x`).endpoint, expected)
    }),
  )
})

test('trust 35: any text at all gets an answer', () => {
  const table = createRouteTable([{ method: 'GET', path: '/{a}/b' }])
  const text = fc.string({ unit: fc.constantFrom(...'/%.2fFeE;?#\\:@ a\t\u0000\ud800é'), maxLength: 30 })
  fc.assert(fc.property(text, (target) => assert.notEqual(table.find('GET', target).refused, 'method')))
})
