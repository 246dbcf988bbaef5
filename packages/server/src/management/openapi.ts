/** The OpenAPI 3.1 document, from the table of operations. */

import type { TSchema } from 'typebox'
import type { Explanation } from './explained.ts'
import type { Operation } from './operation.ts'
import { defaultLimit, largestLimit } from './page-limit.ts'
import { permissionNames, permissions } from './permissions.ts'
import { type ProblemCode, problems } from './problem.ts'

type Json = Readonly<Record<string, unknown>>

const problemRef = { $ref: '#/components/schemas/Problem' }

export function describeApi(operations: readonly Operation[], baseUrl: URL): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const method = operation.method.toLowerCase()
    paths[operation.path] = { ...paths[operation.path], [method]: describeOperation(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport management API',
      version: '1',
      description: 'Operators, staff and customers manage everything of a Sallyport server here.',
    },
    servers: [{ url: `${baseUrl.origin}/manage/v1` }],
    security: [{ system: [] }],
    paths,
    components: {
      securitySchemes: { system: securityScheme(baseUrl) },
      schemas: { Problem: problemSchema },
    },
  }
}

const securityScheme = ({ origin }: URL): Json => ({
  type: 'oauth2',
  description: 'Tokens come from the system tenant, like any other tenant’s.',
  flows: {
    clientCredentials: {
      tokenUrl: `${origin}/system/oauth2/token`,
      scopes: Object.fromEntries(permissionNames.map((name) => [name, permissions[name].about])),
    },
  },
})

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'code', 'request_id'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(problems) },
    detail: { type: 'string' },
    request_id: { type: 'string', description: 'finds the line in the log' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          pointer: { type: 'string' },
          found: { type: 'string' },
          expected: { type: 'string' },
        },
      },
    },
  },
}

function describeOperation(operation: Operation): Json {
  const { id, about, permission, path, command } = operation
  return {
    operationId: id,
    summary: about,
    tags: [command.split(' ')[0]],
    security: [{ system: permission === null ? [] : [permission] }],
    parameters: [...pathParameters(path), ...queryParameters(operation), ...headerParameters(operation)],
    ...(operation.body !== null && { requestBody: requestBody(operation.body, operation) }),
    responses: responses(operation),
  }
}

const pathParameters = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))

function queryParameters({ query, kind }: Operation): Json[] {
  const own = Object.entries(query?.properties ?? {}).map(([name, schema]) => ({
    ...{ name, in: 'query', schema: published(schema as Json) },
  }))
  const ofLists = [
    { name: 'cursor', in: 'query', schema: { type: 'string' } },
    {
      name: 'limit',
      in: 'query',
      schema: { type: 'integer', minimum: 1, maximum: largestLimit, default: defaultLimit },
    },
  ]
  return kind === 'list' ? [...own, ...ofLists] : own
}

function headerParameters({ kind, method }: Operation): Json[] {
  if (kind === 'read') return [{ name: 'If-None-Match', in: 'header', schema: { type: 'string' } }]
  if (kind === 'list') return []
  const key = { name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 255 } }
  const match = { name: 'If-Match', in: 'header', required: method === 'PATCH', schema: { type: 'string' } }
  return method === 'POST' ? [key] : [key, match]
}

const mediaType = (schema: TSchema | Json, example: unknown): Json => ({
  schema: published(schema as Json),
  ...(example !== undefined && { example }),
})

const requestBody = (schema: TSchema, { example, method }: Operation): Json => ({
  required: true,
  content: {
    [method === 'PATCH' ? 'application/merge-patch+json' : 'application/json']: mediaType(
      method === 'PATCH' ? asPatch(schema) : schema,
      example.body,
    ),
  },
})

/** What a member is for stands before its form, in the one word that JSON Schema has for both. */
function published(schema: Json): Json {
  const { about, fallback, properties, items, ...rest } = schema as Explanation & Json
  const words = [about, rest.description, fallback && `default: ${fallback}`].filter(Boolean)
  return {
    ...rest,
    ...(words.length > 0 && { description: words.join('; ') }),
    ...(properties !== undefined && { properties: mapped(properties as Json) }),
    ...(items !== undefined && { items: published(items as Json) }),
  }
}

const mapped = (properties: Json): Json =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, published(schema as Json)]))

/** RFC 7396: what is left out stays. */
const asPatch = (schema: TSchema): Json => {
  const { required: _, ...rest } = schema as unknown as Json
  return rest
}

function responses(operation: Operation): Json {
  const { output, example } = operation
  const status = operation.kind === 'write' ? operation.status : 200
  const answer =
    operation.kind === 'list'
      ? mediaType(pageOf(output), { items: [example.answer], next_cursor: null })
      : output === null
        ? null
        : mediaType(output, example.answer ?? undefined)
  const content = answer === null ? {} : { content: { 'application/json': answer } }
  const known = operation.kind === 'read' ? { 304: { description: 'As If-None-Match knows it.' } } : {}
  return { [status]: { description: 'Done.', ...content }, ...known, ...problemResponses(operation) }
}

const pageOf = (items: TSchema | null): Json => ({
  type: 'object',
  required: ['items', 'next_cursor'],
  properties: { items: { type: 'array', items }, next_cursor: { type: ['string', 'null'] } },
})

/** One response a status, which names its codes. */
function problemResponses(operation: Operation): Json {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of problemsOf(operation)) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `${code}: ${problems[code].title}`).join(' '),
        content: { 'application/problem+json': { schema: problemRef } },
      },
    ]),
  )
}

/** What it can be refused with: by its kind, and by itself. */
function problemsOf({ kind, method, body, permission, problems: own }: Operation): ReadonlySet<ProblemCode> {
  return new Set<ProblemCode>([
    ...([
      'unauthenticated',
      'too_many_requests',
      'unavailable',
      'malformed_request',
      'invalid_query',
    ] as const),
    ...(permission === null ? [] : (['insufficient_scope', 'forbidden', 'not_found'] as const)),
    ...(kind === 'list' ? (['invalid_cursor'] as const) : []),
    ...(kind === 'write' ? (['idempotency_key_reused', 'body_too_large'] as const) : []),
    ...(body === null ? [] : (['invalid_body', 'unsupported_media_type'] as const)),
    ...(method === 'PATCH' ? (['precondition_required'] as const) : []),
    ...(method === 'PATCH' || method === 'DELETE' ? (['precondition_failed'] as const) : []),
    ...own,
  ])
}
