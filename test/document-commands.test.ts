/** What a document's reader sees differs from what it shows in ids, instants and numbers, and in nothing else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertShape } from './document-commands.ts'

test('set-up: output fits what a document shows with other ids, also one that happens to have no digit', () => {
  const shown = '{"client_id":"90oga0xu3slgl4snihz540m6","created_at":1800000000}'
  assertShape('{"client_id":"lzvvpopylzeggvvjmirgjdpq","created_at":1800000001}', shown)
  assertShape('{"client_id":"012345678901234567890123","created_at":1800000001}', shown)
})

test('set-up: output that lacks a member, or has another word, does not fit what a document shows', () => {
  const shown = '{"client_id":"90oga0xu3slgl4snihz540m6","disabled":false}'
  assert.throws(() => assertShape('{"client_id":"90oga0xu3slgl4snihz540m6"}', shown))
  assert.throws(() => assertShape('{"client_id":"90oga0xu3slgl4snihz540m6","disabled":true}', shown))
  assert.throws(() => assertShape('{"client_id":"short","disabled":false}', shown))
})
