/** What was done and refused, and by whom: newest first, of a tenant or of the whole server. */

import { type Static, Type } from 'typebox'
import { showAuditRecord } from '../../audit/written-record.ts'
import { listAuditRecords } from '../../store/audit-records.ts'
import { selectTenant } from '../../store/tenants.ts'
import { list, type Page, serverPlace } from '../operation.ts'
import { Instant, OrNull } from '../shapes.ts'
import { findTenant } from './tenants.ts'

const AuditShape = Type.Object({
  number: Type.Integer(),
  tenant: OrNull(Type.String()),
  happened_at: Instant,
  actor: Type.String(),
  action: Type.String(),
  target: Type.String(),
  outcome: Type.Enum(['done', 'refused']),
  reason: OrNull(Type.String()),
  request_id: OrNull(Type.String()),
  before: Type.Unknown(),
  after: Type.Unknown(),
  hash: Type.String({ description: 'SHA-256 over the hash of the record before and this one, in hex' }),
})

const example = {
  ...{ number: 7, tenant: 'acme', happened_at: 1_800_000_000, actor: 'app 5f0c2b7e9a1d4c3b8e6f7a90' },
  ...{ action: 'removeApp', target: 'app 9d1c', outcome: 'done', reason: null, request_id: 'b7c1…' },
  ...{ before: { id: 'billing-sync' }, after: null, hash: '6b86b273…' },
}

const Filters = Type.Object({
  actor: Type.Optional(Type.String({ description: 'who did it, such as "app CLIENT_ID" or "user USER_ID"' })),
  target: Type.Optional(Type.String({ description: 'what it was done to, such as "app CLIENT_ID"' })),
  action: Type.Optional(Type.String({ description: 'the id of an operation, such as removeApp' })),
  since: Type.Optional(Type.Integer({ description: 'seconds since 1970, from then on' })),
  until: Type.Optional(Type.Integer({ description: 'seconds since 1970, before then' })),
})

/** A tenant that is gone has records still. */
const WholeFilters = Type.Object({
  ...Filters.properties,
  tenant: Type.Optional(
    Type.String({ description: 'only what belongs to this tenant, or belonged to one of that id' }),
  ),
})

const filterOf = ({ actor, target, action, since, until }: Static<typeof Filters>) => ({
  ...{ actor, time: { since, until } },
  targets: target === undefined ? undefined : [target],
  actions: action === undefined ? undefined : [action],
})

const pageOf = ({ after, limit }: Page) => ({
  limit,
  newestFirst: true,
  after: after === undefined ? undefined : Number(after),
})

export const auditOperations = [
  list({
    id: 'listAuditRecords',
    command: 'audit list',
    path: '/tenants/{tenant}/audit-records',
    about: 'What was done and refused in a tenant, newest first.',
    permission: 'read_audit',
    query: Filters,
    output: AuditShape,
    example: { answer: example },
    find: findTenant,
    async run({ params: { tenant: tenantId }, query }, page, from) {
      // Of an earlier tenant of that name only the server's own people hear.
      const since = (await selectTenant(from.kysely, tenantId))?.createdAt
      const asked = { ...pageOf(page), ...filterOf(query), tenantId, since }
      return (await listAuditRecords(from, asked)).map(showAuditRecord)
    },
    keyOf: (item) => String(item.number),
  }),
  list({
    id: 'listAllAuditRecords',
    command: 'audit list-all',
    path: '/audit-records',
    about: 'What was done and refused on the whole server, newest first.',
    permission: 'read_audit',
    query: WholeFilters,
    output: AuditShape,
    example: { answer: example },
    find: async () => ({ place: serverPlace, name: 'server' }),
    async run({ query }, page, from) {
      const asked = { ...pageOf(page), ...filterOf(query), tenantId: query.tenant }
      return (await listAuditRecords(from, asked)).map(showAuditRecord)
    },
    keyOf: (item) => String(item.number),
  }),
]
