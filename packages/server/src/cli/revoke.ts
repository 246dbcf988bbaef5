/** `sallyport revoke`: cuts off at once all that was issued to an app, a secret, an organization, a user or a tenant. */

import { credentialSubject } from '@sallyport/protocol'
import type { Command } from 'commander'
import { instantText } from '../inspect/instant-text.ts'
import type { OpenStore } from '../open-store.ts'
import { revokeAndRecord } from '../revocation/recorded.ts'
import { findAppById } from '../store/apps.ts'
import { listCredentials } from '../store/credentials.ts'
import { StoreConflict } from '../store/database.ts'
import { findOrganization } from '../store/organizations.ts'
import { listTenantIds } from '../store/tenants.ts'
import { commandActor } from './actor.ts'
import { terminalText } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

interface RevokeOptions extends StoreOptions {
  readonly tenant: string
  readonly app?: string
  readonly credential?: string
  readonly organization?: string
  readonly user?: string
  readonly all?: boolean
}

export function registerRevoke(command: Command): void {
  command
    .requiredOption('--tenant <id>', 'the tenant')
    .option('--app <id>', 'the tokens of this app')
    .option('--credential <id>', 'with --app: only those got with this one of its credentials')
    .option('--organization <id>', 'the tokens of all apps of this organization')
    .option('--user <sub>', 'the tokens that speak for this user')
    .option('--all', 'every token of the tenant')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nApps and secrets go on working: what they ask for from the next second on is good.',
    )
  storeOptions(command).action(async (options: RevokeOptions) => {
    const said = await withStore(options, (store) => revokeIn(store, options), { isWriting: true })
    process.stdout.write(`${options.json ? JSON.stringify(said.revocation) : said.sentence}\n`)
  })
}

interface Said {
  readonly revocation: Readonly<Record<string, unknown>>
  readonly sentence: string
}

/** What the audit chain calls it: the same as when the management API does it. */
const operations = {
  tenant: 'revokeTokensOfTenant',
  organization: 'revokeTokensOfOrganization',
  app: 'revokeTokensOfApp',
  credential: 'revokeTokensOfCredential',
  user: 'revokeTokensOfUser',
} as const

interface Subject {
  readonly revocation: { readonly kind: keyof typeof operations; readonly subjectId: string }
  readonly words: string
}

async function revokeIn({ db }: OpenStore, options: RevokeOptions): Promise<Said> {
  const { tenant: tenantId } = options
  if (!(await listTenantIds(db)).includes(tenantId))
    throw new StoreConflict(`There is no tenant ${terminalText(tenantId)}.`)
  const { revocation, words } = await subjectOf(db, tenantId, options)
  const { kind, subjectId } = revocation
  const by = { actor: commandActor('revoke'), action: operations[kind] }
  const { issuedUntil } = await db.write((tx) => revokeAndRecord(tx, tenantId, revocation, by))
  return {
    revocation: { tenant: tenantId, kind, id: subjectId, issued_until: issuedUntil },
    sentence: `Every token ${terminalText(words)} issued until ${instantText(issuedUntil).replace('.000Z', 'Z')} is dead.`,
  }
}

/** Exactly one of them, so that a forgotten option never cuts off more than was meant. */
async function subjectOf(db: OpenStore['db'], tenantId: string, options: RevokeOptions): Promise<Subject> {
  const { app, credential, organization, user, all } = options
  const named = [app, organization, user, all || undefined].filter((one) => one !== undefined)
  if (named.length !== 1 || (credential !== undefined && app === undefined))
    throw new StoreConflict(
      'Name one of --app, --organization, --user or --all; --credential goes with --app.',
    )
  if (app !== undefined) return ofApp(db, tenantId, app, credential)
  if (organization !== undefined) {
    if ((await findOrganization(db, tenantId, organization)) === null)
      throw new StoreConflict(`Tenant ${tenantId} has no organization ${terminalText(organization)}.`)
    return {
      revocation: { kind: 'organization', subjectId: organization },
      words: `of organization ${organization}`,
    }
  }
  if (user !== undefined) return { revocation: { kind: 'user', subjectId: user }, words: `of user ${user}` }
  return { revocation: { kind: 'tenant', subjectId: tenantId }, words: `of tenant ${tenantId}` }
}

async function ofApp(
  db: OpenStore['db'],
  tenantId: string,
  appId: string,
  credentialId: string | undefined,
): Promise<Subject> {
  const app = await findAppById(db, tenantId, appId)
  if (app === null) throw new StoreConflict(`Tenant ${tenantId} has no app ${terminalText(appId)}.`)
  const { clientId } = app
  if (credentialId === undefined)
    return { revocation: { kind: 'app', subjectId: clientId }, words: `of app ${appId}` }
  const ids = (await listCredentials(db, tenantId, clientId)).map(({ id }) => id)
  if (!ids.includes(credentialId))
    throw new StoreConflict(
      `App ${appId} has no credential ${terminalText(credentialId)}; it has ${ids.join(', ')}.`,
    )
  const subjectId = credentialSubject(clientId, credentialId)
  return { revocation: { kind: 'credential', subjectId }, words: `got with ${credentialId} of app ${appId}` }
}
