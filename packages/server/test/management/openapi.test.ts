// Issue 5, 1: the OpenAPI document is made from the table, and says what the server does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describeApi } from '../../src/management/openapi.ts'
import type { Operation } from '../../src/management/operation.ts'
import { operations } from '../../src/management/operations.ts'
import { misfitsOf } from '../../src/management/read-input.ts'
import { oneStore } from '../harness.ts'
import { callApi, startManaged } from './managed.ts'

const document = describeApi(operations, new URL('https://auth.example'))

test('issue 5, 1: the document is valid OpenAPI 3.1, by a validator of its own kind', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  assert.ok(valid, JSON.stringify(errors))
})

test('product contract: it is served at /manage/v1/openapi.json to whoever asks', async (t) => {
  const server = await startManaged(t, oneStore)
  const answer = await callApi(server, null, 'GET', '/openapi.json')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['Content-Type'], 'application/json')
  assert.equal(answer.json.openapi, '3.1.0')
  const named = Object.values(answer.json.paths).flatMap((methods) =>
    Object.values(methods as Record<string, { operationId: string }>).map((one) => one.operationId),
  )
  assert.deepEqual(named.toSorted(), operations.map(({ id }) => id).toSorted())
})

test('issue 5, 1: the document says what a member is for, before its form, as the reference of blueprints does', () => {
  const { paths } = JSON.parse(JSON.stringify(document))
  const schemaOf = (path: string, method: string) =>
    paths[path][method].requestBody.content['application/json'].schema.properties
  const app = schemaOf('/tenants/{tenant}/organizations/{organization}/apps', 'post')
  assert.equal(app.token_reuse.description, "Give out its tokens again, or never; default: the tenant's")
  assert.match(app.default_api.description, /^The API of a request that names none; .*; lower-case letters/)
  const credentials = '/tenants/{tenant}/apps/{app}'
  const { overlap_seconds: overlap } = schemaOf(`${credentials}/rotate-secret`, 'post')
  assert.match(overlap.description, /^How long .*; whole seconds, 0 to 31536000; default: 604800 \(7 days\)$/)
  assert.doesNotMatch(JSON.stringify(document), /"(about|fallback)":/)
})

/** A part of a body is enough for a patch. */
const exampleBody = ({ method, body, example }: Operation) =>
  body === null || method === 'PATCH' ? [] : misfitsOf(body, example.body)

test('issue 5, 1: the example of every operation fits its own schemas', () => {
  for (const operation of operations) {
    const { id, output, example } = operation
    assert.deepEqual(exampleBody(operation), [], `${id}: its body`)
    if (output !== null) {
      const known = Object.keys((output as { properties?: object }).properties ?? {})
      for (const name of Object.keys(example.answer ?? {}))
        assert.ok(known.includes(name), `${id} shows ${name}, which its schema lacks`)
    }
  }
})
