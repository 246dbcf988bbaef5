// RFC 9110 §8.8.3, §13.1: tags of contents, and the conditions of requests that name them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entityTag, isCurrent, unlessUnchanged } from '../src/entity-tag.ts'

const tag = entityTag('content')
const reply = { status: 200, headers: { ETag: tag, Vary: 'Accept' }, body: 'content' }
const isKnown = (ifNoneMatch: string | undefined) => unlessUnchanged(reply, ifNoneMatch).status === 304

test('RFC 9110 §8.8.3: the same content has the same tag, another content another', () => {
  assert.match(tag, /^"[\w-]{22}"$/)
  assert.equal(entityTag('content'), tag)
  assert.notEqual(entityTag('Content'), tag)
})

test('RFC 9110 §8.8.3.2: tags are compared weakly for If-None-Match, strongly for If-Match', () => {
  for (const [condition, strongly, weakly] of [
    [tag, true, true],
    [`W/${tag}`, false, true],
    [`w/${tag}`, false, false],
    [`W/ ${tag}`, false, false],
    ['"1"', false, false],
    ['W/"1"', false, false],
    [tag.toLowerCase(), false, false],
    [tag.slice(1, -1), false, false],
    [`"${tag}"`, false, false],
  ] as const) {
    assert.equal(isCurrent(condition, tag), strongly, condition)
    assert.equal(isKnown(condition), weakly, condition)
  }
})

test('RFC 9110 §13.1: a condition is a list of tags or a star alone, and tags may hold commas and stars', () => {
  for (const condition of ['*', ' * ', `"1", ${tag}`, `"1",${tag} , "2"`, `, ,${tag},`, `"a,b", ${tag}`]) {
    assert.ok(isCurrent(condition, tag), condition)
    assert.ok(isKnown(condition), condition)
  }
  const bare = tag.slice(1, -1)
  for (const condition of ['', ',', '"*"', '"a,*,b"', 'W/*', `"a,${bare},b"`, `"a,${bare}"`]) {
    assert.ok(!isCurrent(condition, tag), condition)
    assert.ok(!isKnown(condition), condition)
  }
})

test('RFC 9110 §15.4.5: who knows the content gets its fields without it; what has no tag nobody knows', () => {
  assert.deepEqual(unlessUnchanged(reply, tag), { status: 304, headers: reply.headers, body: '' })
  assert.equal(unlessUnchanged(reply, undefined), reply)
  const untagged = { ...reply, headers: {} }
  for (const condition of ['', '*', tag]) assert.equal(unlessUnchanged(untagged, condition), untagged)
})
