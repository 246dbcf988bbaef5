/** `sallyport operators`: the first apps that may manage this server, made on its own host, where nobody has to log in. */

import { generateIdentifier } from '@sallyport/protocol'
import { type Command, Option } from 'commander'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { systemTenantId, wholeServer } from '../management/authorize.ts'
import { builtInRoles, isBuiltInRole } from '../management/permissions.ts'
import { addOperator } from '../management/system-tenant.ts'
import type { OpenStore } from '../open-store.ts'
import { type AppRecord, findAppById } from '../store/apps.ts'
import type { WriteTransaction } from '../store/database.ts'
import { listMembershipsOf, type MembershipPlace } from '../store/memberships.ts'
import { selectOrganization } from '../store/organizations.ts'
import { selectTenant } from '../store/tenants.ts'
import { defaultClientIdShape, identifierBytes } from '../tenants/client-id-shape.ts'
import { commandActor } from './actor.ts'
import { offering } from './offers.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'
import { table } from './table.ts'

interface Options extends StoreOptions {
  readonly role?: string
  readonly tenant?: string
  readonly organization?: string
}

function roleOption(): Option {
  const names = Object.keys(builtInRoles)
  const about = `one of ${names.join(', ')} (default: operator; of an app that is there, what it has)`
  return offering(new Option('--role <role>', about), names)
}

export function registerOperators(group: Command): void {
  const command = group
    .command('add <name>')
    .description('make an app that may manage, or give it one more secret, which is shown once')
    .addOption(roleOption())
    .option('--tenant <id>', 'only in this tenant (default: the whole server)')
    .option('--organization <id>', 'with --tenant: only in this organization of it')
    .option('--json', 'print JSON')
  storeOptions(command).action(async (name: string, options: Options) => {
    const made = await withStore(options, (store) => add(store, name, options), { isWriting: true })
    const { clientId, clientSecret } = made
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ client_id: clientId, client_secret: clientSecret }, null, 2)}\n`
        : `${table([
            ['CLIENT ID', 'CLIENT SECRET'],
            [clientId, clientSecret],
          ])}\nKeep this secret now: it will not be shown again. Tokens come from /system/oauth2/token.\n`,
    )
  })
}

async function add(store: OpenStore, name: string, options: Options) {
  const { role } = options
  if (!/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(name))
    throw new ConfigRefused('A name has lower-case letters, digits and inner hyphens, 1 to 64 characters.')
  if (role !== undefined && !isBuiltInRole(role))
    throw new ConfigRefused(`There is no role ${role}; there are: ${Object.keys(builtInRoles).join(', ')}.`)
  const { random } = systemEffects
  return store.db.write(async (tx) => {
    const place = await placeOf(tx, options)
    const known = await findAppById(tx, systemTenantId, name)
    const held =
      role === undefined && known !== null
        ? await heldBy(tx, known, place)
        : { roles: [role ?? 'operator'], place: place ?? wholeServer }
    const newClientId = () => generateIdentifier(random(identifierBytes), defaultClientIdShape)
    const operator = { id: name, ...held, by: commandActor('operators add') }
    return addOperator(tx, operator, newClientId, { ...store, random })
  })
}

/** Null where none is named. */
async function placeOf(
  tx: WriteTransaction,
  { tenant, organization }: Options,
): Promise<MembershipPlace | null> {
  if (organization !== undefined && tenant === undefined)
    throw new ConfigRefused('--organization needs --tenant.')
  if (tenant === undefined) return null
  if ((await selectTenant(tx.kysely, tenant)) === null)
    throw new ConfigRefused(`There is no tenant ${tenant}.`)
  if (organization !== undefined && (await selectOrganization(tx, tenant, organization)) === null)
    throw new ConfigRefused(`Tenant ${tenant} has no organization ${organization}.`)
  return { tenantId: tenant, organizationId: organization ?? null }
}

/** Who only gets one more secret may do no more with it: its first may be in a customer's hands. */
async function heldBy(tx: WriteTransaction, { clientId, id }: AppRecord, place: MembershipPlace | null) {
  const isThere = (one: MembershipPlace) =>
    place === null || (one.tenantId === place.tenantId && one.organizationId === place.organizationId)
  const membership = (await listMembershipsOf(tx, `app ${clientId}`)).find(isThere)
  if (membership === undefined)
    throw new ConfigRefused(
      `There is an app ${id} already, and it has no role ${place === null ? 'any more' : 'there'}. Say with --role what it may do from now on.`,
    )
  const { tenantId, organizationId, roles } = membership
  return { roles, place: { tenantId, organizationId } }
}
