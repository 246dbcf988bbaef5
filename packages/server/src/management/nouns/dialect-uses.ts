/** Which features of a tenant's dialect its apps still lean on: who would be hit by its end date. */

import { Type } from 'typebox'
import { type DialectUseRecord, listDialectUses } from '../../store/dialect-uses.ts'
import { list } from '../operation.ts'
import { Instant } from '../shapes.ts'
import { findTenant } from './tenants.ts'

const DialectUseShape = Type.Object({
  client_id: Type.String(),
  feature: Type.String(),
  uses: Type.Integer(),
  last_used_at: Instant,
})

const show = ({ clientId, feature, uses, lastUsedAt }: DialectUseRecord) => ({
  ...{ client_id: clientId, feature, uses, last_used_at: lastUsedAt },
})

export const dialectUseOperations = [
  list({
    id: 'listDialectUses',
    command: 'dialect-uses list',
    path: '/tenants/{tenant}/dialect-uses',
    about: 'Which dialect features are still used, by which apps, how often and when last.',
    permission: 'read_tenants',
    query: Type.Object({
      feature: Type.Optional(Type.String({ description: 'only this feature' })),
    }),
    output: DialectUseShape,
    example: {
      answer: {
        ...{ client_id: '5f0c2b7e9a1d4c3b8e6f7a90', feature: 'query_credentials' },
        ...{ uses: 12, last_used_at: 1_800_000_000 },
      },
    },
    find: findTenant,
    async run({ params: { tenant }, query: { feature } }, { after, limit }, from) {
      const key = after === undefined ? undefined : (JSON.parse(after) as [string, string])
      return (await listDialectUses(from, tenant, { after: key, limit, feature })).map(show)
    },
    keyOf: (item) => JSON.stringify([item.client_id, item.feature]),
  }),
]
