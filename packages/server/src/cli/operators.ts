/** `sallyport operators`: the first apps that may manage this server, made on its own host, where nobody has to log in. */

import { generateIdentifier } from '@sallyport/protocol'
import type { Command } from 'commander'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { wholeServer } from '../management/authorize.ts'
import { builtInRoles, isBuiltInRole } from '../management/permissions.ts'
import { addOperator } from '../management/system-tenant.ts'
import type { OpenStore } from '../open-store.ts'
import { selectOrganization } from '../store/organizations.ts'
import { selectTenant } from '../store/tenants.ts'
import { defaultClientIdShape, identifierBytes } from '../tenants/client-id-shape.ts'
import { commandActor } from './actor.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'
import { table } from './table.ts'

interface Options extends StoreOptions {
  readonly role: string
  readonly tenant?: string
  readonly organization?: string
}

export function registerOperators(group: Command): void {
  const command = group
    .command('add <name>')
    .description('make an app that may manage, or give it one more secret, which is shown once')
    .option('--role <role>', `one of ${Object.keys(builtInRoles).join(', ')}`, 'operator')
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

async function add(store: OpenStore, name: string, { role, tenant, organization }: Options) {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(name))
    throw new ConfigRefused('A name has lower-case letters, digits and inner hyphens, 1 to 64 characters.')
  if (!isBuiltInRole(role))
    throw new ConfigRefused(`There is no role ${role}; there are: ${Object.keys(builtInRoles).join(', ')}.`)
  const { random } = systemEffects
  return store.db.write(async (tx) => {
    if (organization !== undefined && tenant === undefined)
      throw new ConfigRefused('--organization needs --tenant.')
    if (tenant !== undefined && (await selectTenant(tx.kysely, tenant)) === null)
      throw new ConfigRefused(`There is no tenant ${tenant}.`)
    if (organization !== undefined && (await selectOrganization(tx, tenant ?? '', organization)) === null)
      throw new ConfigRefused(`Tenant ${tenant} has no organization ${organization}.`)
    const place =
      tenant === undefined ? wholeServer : { tenantId: tenant, organizationId: organization ?? null }
    const newClientId = () => generateIdentifier(random(identifierBytes), defaultClientIdShape)
    const operator = { id: name, roles: [role], place, by: commandActor('operators add') }
    return addOperator(tx, operator, newClientId, { ...store, random })
  })
}
