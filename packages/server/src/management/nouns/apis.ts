/** APIs: what a tenant's tokens are for, with the scopes and endpoints of each. All organizations see them. */

import { type Static, Type } from 'typebox'
import { nameOf } from '../../blueprint/check-endpoints.ts'
import { ApiEntry, pickSettings, type TenantEntry } from '../../blueprint/schema.ts'
import { blueprintWords } from '../../blueprint/words.ts'
import { type ApiRow, findApi, pageOfApis, removeApi, saveApi } from '../../store/apis.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { ApiSettings, type Endpoint } from '../../tenants/settings.ts'
import { managementApiId } from '../authenticate.ts'
import { systemTenantId } from '../authorize.ts'
import { checkPart } from '../check-part.ts'
import { tenantEntry } from '../declared.ts'
import { explained } from '../explained.ts'
import { type From, list, read, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { readOpenApi, readOpenApiText } from '../read-openapi.ts'
import { closed, managed } from '../shapes.ts'
import { findTenant } from './tenants.ts'

const { id, audience } = ApiEntry.properties
const settable = explained({ audience, ...ApiSettings.properties }, blueprintWords.api)
// Without scopes, because an import from OpenAPI may bring them.
const NewApi = Type.Object(
  { ...explained({ id }, blueprintWords.api), ...settable, scopes: Type.Optional(settable.scopes) },
  closed,
)
const ChangedApi = Type.Object(settable, closed)
const ApiShape = Type.Object({ id, ...settable, ...managed })
const ImportShape = Type.Object({
  api: ApiShape,
  /** What the document says and an API cannot be set to, or not by this document. */
  unused: Type.Array(Type.Object({ pointer: Type.String(), reason: Type.String() })),
  unused_more: Type.Integer({ description: 'how many more there are' }),
})
const OpenApiDocument = Type.Record(Type.String(), Type.Unknown(), {
  description: 'an OpenAPI 3.0 or 3.1 document, or {"openapi_text": the same as YAML}',
})

const show = (row: ApiRow) => ({
  ...{ id: row.id, audience: row.audience },
  ...(row.settings as ApiSettings),
  ...{ blueprint: row.blueprint, created_at: row.createdAt, updated_at: row.updatedAt },
})

async function findWhole({ tenant, api }: { readonly tenant: string; readonly api: string }, from: From) {
  const row = await findApi(from, tenant, api)
  if (row === null) return null
  const place = { tenantId: tenant, organizationId: null }
  return { place, name: `api ${row.id}`, value: show(row), row }
}

/** Without it nobody could manage this server any more. */
function refuseManagement(tenantId: string, apiId: string): void {
  if (tenantId === systemTenantId && apiId === managementApiId)
    refuseWith('conflict', { detail: 'The API of the management itself is the server’s own.' })
}

async function entryOf(tx: WriteTransaction, tenantId: string): Promise<TenantEntry> {
  return (await tenantEntry(tx, tenantId)) ?? refuseWith('not_found')
}

async function save(
  tx: WriteTransaction,
  tenantId: string,
  apiId: string,
  body: Static<typeof ChangedApi>,
  before: ApiRow | null,
) {
  refuseManagement(tenantId, apiId)
  const tenant = await entryOf(tx, tenantId)
  // Last, so that whatever two of them may not share is told of this one.
  const others = (tenant.apis ?? []).filter((one) => one.id !== apiId)
  const after = { ...tenant, apis: [...others, { ...body, id: apiId }] }
  checkPart(tenant, after, ['apis', others.length])
  await saveApi(tx, tenantId, {
    ...{ id: apiId, audience: body.audience, settings: pickSettings(ApiSettings, body) },
    blueprint: before?.blueprint ?? null,
  })
  const row = await findApi(tx, tenantId, apiId)
  if (row === null) throw new Error(`API ${apiId} was saved and is gone.`)
  return show(row)
}

/** Where the document says nothing of limits, that of an endpoint that stays must not go. */
function withLimitsOf(before: readonly Endpoint[], after: readonly Endpoint[]): Endpoint[] {
  const limits = new Map(before.map((endpoint) => [nameOf(endpoint), endpoint.limit]))
  return after.map((endpoint) => {
    const limit = limits.get(nameOf(endpoint))
    return limit === undefined || endpoint.limit !== undefined ? endpoint : { ...endpoint, limit }
  })
}

const example = {
  ...{ id: 'rest', audience: 'https://api.acme.example', scopes: { 'invoices/read': 'Read invoices' } },
  endpoints: [
    {
      ...{ method: 'GET' as const, path: '/invoices/{invoice}', scope: 'invoices/read' },
      limit: { requests: 600, window_seconds: 60 },
    },
  ],
}
const shown = { ...example, blueprint: null, created_at: 1_800_000_000, updated_at: 1_800_000_000 }

export const apiOperations = [
  list({
    id: 'listApis',
    command: 'apis list',
    path: '/tenants/{tenant}/apis',
    about: 'The APIs of a tenant, with their scopes and endpoints.',
    permission: 'read_apis',
    isShared: true,
    output: ApiShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant } }, page, from) => (await pageOfApis(from, tenant, page)).map(show),
    keyOf: (item) => item.id,
  }),
  read({
    id: 'readApi',
    command: 'apis show',
    path: '/tenants/{tenant}/apis/{api}',
    about: 'One API.',
    permission: 'read_apis',
    isShared: true,
    output: ApiShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createApi',
    command: 'apis create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/apis',
    about: 'Make an API; apps get its scopes when they are granted them.',
    permission: 'manage_apis',
    body: NewApi,
    output: ApiShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findTenant,
    async run({ params: { tenant }, body: { id: apiId, scopes = {}, ...body } }, tx) {
      if ((await findApi(tx, tenant, apiId)) !== null)
        refuseWith('conflict', { detail: `There is an API ${apiId} in this tenant.` })
      const made = await save(tx, tenant, apiId, { ...body, scopes }, null)
      return { body: made, location: `/tenants/${tenant}/apis/${apiId}`, name: `api ${apiId}` }
    },
  }),
  write({
    id: 'updateApi',
    command: 'apis update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/apis/{api}',
    about: 'Change an API; a scope that it no longer has, no app gets any more.',
    permission: 'manage_apis',
    body: ChangedApi,
    output: ApiShape,
    problems: ['conflict'],
    example: {
      body: { scopes: { 'invoices/write': 'Write invoices' } },
      answer: { ...shown, scopes: { ...example.scopes, 'invoices/write': 'Write invoices' } },
    },
    find: findWhole,
    run: async ({ params: { tenant, api }, body, target: { row } }, tx) => ({
      body: await save(tx, tenant, api, body, row),
    }),
  }),
  write({
    id: 'importOpenApi',
    command: 'apis import-openapi',
    mostValues: 50_000,
    method: 'POST',
    status: 200,
    path: '/tenants/{tenant}/apis/{api}/openapi',
    about: 'Replace the scopes and endpoints of an API by those of its OpenAPI document; nothing is fetched.',
    permission: 'manage_apis',
    body: OpenApiDocument,
    output: ImportShape,
    problems: ['conflict'],
    example: {
      body: {
        openapi: '3.1.0',
        paths: { '/invoices/{invoice}': { get: { security: [{ oauth: ['invoices/read'] }] } } },
        components: {
          securitySchemes: {
            oauth: {
              type: 'oauth2',
              flows: {
                clientCredentials: {
                  tokenUrl: 'https://auth.acme.example/oauth2/token',
                  scopes: example.scopes,
                },
              },
            },
          },
        },
      },
      answer: { api: shown, unused: [], unused_more: 0 },
    },
    find: findWhole,
    async run({ params: { tenant, api }, body, target: { row } }, tx) {
      const text = body.openapi_text
      const read = readOpenApi(text === undefined ? body : readOpenApiText(body))
      const { scopes, endpoints, unused, unusedMore } = read
      const before = row.settings as ApiSettings
      const limited = withLimitsOf(before.endpoints ?? [], endpoints)
      const settings = { ...before, audience: row.audience, scopes, endpoints: limited }
      const after = await save(tx, tenant, api, settings, row)
      return { body: { api: after, unused, unused_more: unusedMore }, after }
    },
  }),
  write({
    id: 'removeApi',
    command: 'apis remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/apis/{api}',
    about: 'Remove an API; no app gets tokens for it any more.',
    permission: 'manage_apis',
    output: null,
    problems: ['conflict'],
    example: { answer: null },
    find: findWhole,
    async run({ params: { tenant, api } }, tx) {
      refuseManagement(tenant, api)
      const entry = await entryOf(tx, tenant)
      checkPart(entry, { ...entry, apis: (entry.apis ?? []).filter((one) => one.id !== api) }, null)
      await removeApi(tx, tenant, api)
      return { body: null, after: null }
    },
  }),
]
