/**
 * The outside issuers that a tenant trusts, one by one. They are kept in its settings and have no name of their own, and one
 * issuer may be trusted in several ways: so each is named by a digest of what it says, and a change gives it another.
 */

import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { blueprintWords } from '../../blueprint/words.ts'
import type { WriteTransaction } from '../../store/database.ts'
import type { JsonObject } from '../../store/json.ts'
import { saveTenant, selectTenant, type TenantRow } from '../../store/tenants.ts'
import { type TenantSettings, TrustedIssuerSettings } from '../../tenants/settings.ts'
import { systemTenantId } from '../authorize.ts'
import { checkPart } from '../check-part.ts'
import { tenantEntryWithApps } from '../declared.ts'
import { explained } from '../explained.ts'
import { type From, list, read, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { checkReachable, findGood, urlsOfIssuer } from '../reachable.ts'
import { closed } from '../shapes.ts'
import { findTenant } from './tenants.ts'

const TrustedIssuer = Type.Object(
  explained(TrustedIssuerSettings.properties, blueprintWords.trustedIssuer),
  closed,
)
const TrustedIssuerShape = Type.Object({ id: Type.String(), ...TrustedIssuer.properties })

const idOf = (issuer: TrustedIssuerSettings): string =>
  createHash('sha256').update(JSON.stringify(issuer)).digest('hex').slice(0, 24)

const show = (issuer: TrustedIssuerSettings) => ({ id: idOf(issuer), ...issuer })

const issuersOf = ({ settings }: TenantRow): readonly TrustedIssuerSettings[] =>
  (settings as TenantSettings).trusted_issuers ?? []

type InIssuer = { readonly tenant: string; readonly issuer: string }

async function findWhole({ tenant, issuer }: InIssuer, { kysely }: From) {
  const row = await selectTenant(kysely, tenant)
  const found = row && issuersOf(row).find((one) => idOf(one) === issuer)
  if (!found) return null
  const place = { tenantId: tenant, organizationId: null }
  return { place, name: `trusted issuer ${found.issuer}`, value: show(found), row }
}

const mostIssuers = 50

/** `place` is where the new one stands, null where one has gone. */
async function replace(
  tx: WriteTransaction,
  row: TenantRow,
  after: readonly TrustedIssuerSettings[],
  place: number | null,
): Promise<void> {
  if (after.length > mostIssuers)
    refuseWith('conflict', { detail: `A tenant trusts at most ${mostIssuers} issuers.` })
  if (new Set(after.map(idOf)).size < after.length)
    refuseWith('conflict', { detail: 'An issuer is trusted in exactly this way already.' })
  if (row.id === systemTenantId)
    refuseWith('conflict', { detail: 'Nobody else speaks for those who manage.' })
  const apps = [...issuersOf(row), ...after].flatMap((one) => one.apps)
  const before = (await tenantEntryWithApps(tx, row.id, apps)) ?? refuseWith('not_found')
  const at = place === null ? null : ['trusted_issuers', place]
  checkPart(before, { ...before, trusted_issuers: [...after] }, at)
  const { trusted_issuers: _, ...settings } = row.settings as TenantSettings
  await saveTenant(tx, row.id, {
    ...{ name: row.name, environment: row.environment, disabledAt: row.disabledAt, blueprint: row.blueprint },
    settings: { ...settings, ...(after.length > 0 && { trusted_issuers: after }) } as JsonObject,
  })
}

const example = { issuer: 'https://idp.globex.example', apps: ['billing-sync'] }
const shown = { id: '3f1c5a…', ...example }

export const trustedIssuerOperations = [
  list({
    id: 'listTrustedIssuers',
    command: 'trusted-issuers list',
    path: '/tenants/{tenant}/trusted-issuers',
    about: 'The outside issuers that a tenant trusts, in their order.',
    permission: 'read_tenants',
    output: TrustedIssuerShape,
    example: { answer: shown },
    find: findTenant,
    async run({ params: { tenant } }, { after, limit }, { kysely }) {
      const row = await selectTenant(kysely, tenant)
      const items = row === null ? [] : issuersOf(row).map(show)
      const last = items.findIndex(({ id }) => id === after)
      // Begun anew, a list that somebody changes as it is read would never end.
      if (after !== undefined && last === -1)
        refuseWith('invalid_cursor', { detail: 'The issuer that it stands at was changed or is gone.' })
      return items.slice(last + 1, last + 1 + limit)
    },
    keyOf: (item) => item.id,
  }),
  read({
    id: 'readTrustedIssuer',
    command: 'trusted-issuers show',
    path: '/tenants/{tenant}/trusted-issuers/{issuer}',
    about: 'One outside issuer, and what its tokens may open.',
    permission: 'read_tenants',
    output: TrustedIssuerShape,
    example: { answer: shown },
    find: findWhole,
    run: async ({ target }) => target.value,
  }),
  write({
    id: 'createTrustedIssuer',
    command: 'trusted-issuers create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/trusted-issuers',
    about: 'Trust one more issuer, or one in one more way.',
    permission: 'manage_tenants',
    body: TrustedIssuer,
    output: TrustedIssuerShape,
    problems: ['conflict'],
    example: { body: example, answer: shown },
    find: findTenant,
    prepare: ({ body }, _from, deps) => findGood(urlsOfIssuer(body, ''), deps),
    async run({ params: { tenant }, body, prepared }, tx) {
      checkReachable(urlsOfIssuer(body, ''), prepared)
      const row = (await selectTenant(tx.kysely, tenant)) ?? refuseWith('not_found')
      const before = issuersOf(row)
      await replace(tx, row, [...before, body], before.length)
      const made = show(body)
      const location = `/tenants/${tenant}/trusted-issuers/${made.id}`
      return { body: made, location, name: `trusted issuer ${body.issuer}` }
    },
  }),
  write({
    id: 'updateTrustedIssuer',
    command: 'trusted-issuers update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/trusted-issuers/{issuer}',
    about: 'Change how an issuer is trusted; its id is another from then on.',
    permission: 'manage_tenants',
    body: TrustedIssuer,
    output: TrustedIssuerShape,
    problems: ['conflict'],
    example: { body: { apps: ['*'] }, answer: { ...shown, apps: ['*'] } },
    find: findWhole,
    prepare: ({ body, target: { value } }, _from, deps) =>
      findGood(urlsOfIssuer(body, ''), deps, urlsOfIssuer(value, '')),
    async run({ params: { tenant, issuer }, body, target: { row }, prepared }, tx) {
      checkReachable(urlsOfIssuer(body, ''), prepared)
      const before = issuersOf(row)
      const place = before.findIndex((one) => idOf(one) === issuer)
      await replace(tx, row, before.with(place, body), place)
      const made = show(body)
      return { body: made, location: `/tenants/${tenant}/trusted-issuers/${made.id}` }
    },
  }),
  write({
    id: 'removeTrustedIssuer',
    command: 'trusted-issuers remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/trusted-issuers/{issuer}',
    about: 'Trust an issuer no more.',
    permission: 'manage_tenants',
    output: null,
    problems: ['conflict'],
    example: { answer: null },
    find: findWhole,
    async run({ params: { issuer }, target: { row } }, tx) {
      const left = issuersOf(row).filter((one) => idOf(one) !== issuer)
      await replace(tx, row, left, null)
      return { body: null, after: null }
    },
  }),
]
