// product.md, words: two tenants can be a test/live pair.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { formatProblem } from '../../src/blueprint/problem.ts'
import { forEachStore, startTestServer } from '../harness.ts'
import { manager } from '../management/managed.ts'
import { blueprint, tenant } from '../oauth/sample.ts'

const problemsOf = (...texts: readonly string[]): readonly string[] => {
  const { problems = [] } = parseBlueprints(texts.map((text, index) => ({ name: `${index}.yaml`, text })))
  return problems.map(formatProblem)
}

const live = { environment: 'live' }

test('product: a pair is of two environments, as far as the files declare both', () => {
  const [trial, real] = [
    tenant('trial', [], { pair: 'real' }),
    tenant('real', [], { ...live, pair: 'trial' }),
  ]
  assert.deepEqual(problemsOf(blueprint(trial, real)), [])
  assert.deepEqual(problemsOf(blueprint(trial)), [])
  const same = tenant('real', [])
  const expected = /tenants\[0\]\.pair: found real, which is test as well, expected a tenant that is live$/
  assert.match(problemsOf(blueprint(trial, same)).join('\n'), expected)
  assert.match(problemsOf(blueprint(trial), blueprint(same)).join('\n'), expected)
  assert.match(
    problemsOf(blueprint(tenant('alone', [], { pair: 'alone', ...live }))).join('\n'),
    /found alone, which is live as well, expected a tenant that is for tests$/,
  )
})

forEachStore((_engine, suite) => {
  test('product: the pair of a tenant is kept and shown', async (t) => {
    const server = await startTestServer(t, suite, blueprint(tenant('trial', [], { pair: 'real' })))
    const operator = await manager(server)
    assert.equal((await operator.call('GET', '/tenants/trial')).json.pair, 'real')
  })
})
