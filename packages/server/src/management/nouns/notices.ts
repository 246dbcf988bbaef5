/** Notices: what people should hear of the secrets of their apps. */

import { Type } from 'typebox'
import { type Notice, pageOfNotices } from '../../store/notices.ts'
import { list, type Page } from '../operation.ts'
import { Instant } from '../shapes.ts'
import { findOrganization } from './organizations.ts'
import { findTenant } from './tenants.ts'

const NoticeShape = Type.Object({
  number: Type.Integer(),
  client_id: Type.String(),
  credential: Type.String(),
  kind: Type.Enum(['exposed', 'expires_soon']),
  /** How it was exposed, or when it ends; never a secret. */
  detail: Type.Record(Type.String(), Type.Unknown()),
  happened_at: Instant,
})

const show = (notice: Notice & { readonly number: number }) => ({
  ...{ number: notice.number, client_id: notice.clientId, credential: notice.credentialId },
  ...{ kind: notice.kind, detail: notice.detail, happened_at: notice.happenedAt },
})

const pageFrom = ({ after, limit }: Page) => ({
  limit,
  after: after === undefined ? undefined : (JSON.parse(after) as [number, number]),
})

const keyOf = ({ happened_at: at, number }: ReturnType<typeof show>): string => JSON.stringify([at, number])

const shown = {
  ...{ number: 3, client_id: '5f0c2b7e9a1d4c3b8e6f7a90', credential: 'main', kind: 'exposed' },
  ...{ detail: { by: 'plain_http' }, happened_at: 1_800_000_000 },
}

export const noticeOperations = [
  list({
    id: 'listNotices',
    command: 'notices list',
    path: '/tenants/{tenant}/notices',
    about: 'What the people of a tenant should hear of secrets, oldest first.',
    permission: 'read_apps',
    output: NoticeShape,
    example: { answer: shown },
    find: findTenant,
    run: async ({ params: { tenant } }, page, from) =>
      (await pageOfNotices(from, tenant, pageFrom(page))).map(show),
    keyOf,
  }),
  list({
    id: 'listNoticesOfOrganization',
    command: 'organizations notices',
    path: '/tenants/{tenant}/organizations/{organization}/notices',
    about: 'What the people of an organization should hear of the secrets of their apps, oldest first.',
    permission: 'read_apps',
    output: NoticeShape,
    example: { answer: shown },
    find: findOrganization,
    run: async ({ params: { tenant, organization: organizationId } }, page, from) =>
      (await pageOfNotices(from, tenant, { ...pageFrom(page), organizationId })).map(show),
    keyOf,
  }),
]
