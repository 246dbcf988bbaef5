/** What a refused blueprint never prints: whatever stands where a secret does, and a secret that stands elsewhere. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, refusals } from './sample.ts'

test('trust 27: whatever stands at a credential is never printed, neither value nor key', () => {
  const canary = 'hunter2-canary'
  const places = [
    `secret: ${canary}`,
    `secret: {${canary}}`,
    `secret: {hash: ${canary}}`,
    `secret: {from_env: ${canary}}`,
    `secret: {from_file: [${canary}]}`,
    `secret: [${canary}]`,
    `${canary}: generated`,
    `secret: generated\n                expires_at: ${canary}`,
    `secret: "${canary}`,
    `secret: *${canary}`,
    `secret: !${canary} x`,
    `secret: ${canary}: x`,
    `secret: "${canary}" ${canary}`,
    `secret: "\\q${canary}"`,
    `secret: {${canary}: [}`,
  ]
  for (const place of places) {
    const lines = refusals(changed('secret: generated', place))
    assert.notEqual(lines.length, 0, place)
    assert.doesNotMatch(lines.join('\n'), /hunter2/, place)
  }
})

test('trust 27: a literal secret is refused with the forms that are allowed', () => {
  assert.deepEqual(refusals(changed('secret: generated', 'secret: correct-horse-battery')), [
    'a.yaml:27:17 tenants[0].organizations[0].apps[0].credentials[0].secret: found text (not shown), expected generated, kept, {from_env: NAME}, {from_file: PATH} or {hash: "sha256:…"}, never the secret itself',
  ])
})

test('trust 27: a secret that was written as a key is not printed in the path either', () => {
  const lines = refusals(changed('secret: generated', 'secret: {hunter2hunter2: 1}'))
  assert.notEqual(lines.length, 0)
  assert.doesNotMatch(lines.join('\n'), /hunter2/)
})

test('trust 27: a generated secret is not printed even where nobody expects one', () => {
  const [line = ''] = refusals(changed('environment: test', 'environment: sp_test_abcdefgh'))
  assert.match(line, /found text \(not shown\), expected one of test, live$/)
})
