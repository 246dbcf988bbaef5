/** `sallyport credentials`: the secrets of an app, one more, the end of others, without an outage. */

import type { Command } from 'commander'
import { isRegisteredCredentialId } from '../apps/registered-credential.ts'
import {
  addSecret,
  endsOf,
  type MadeSecret,
  rotateSecret,
  standingOf,
  takesSecrets,
} from '../apps/secrets.ts'
import { formOfFormat, formWords } from '../blueprint/proof.ts'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { instantText } from '../inspect/instant-text.ts'
import { credentialState } from '../management/credential-shapes.ts'
import type { OpenStore } from '../open-store.ts'
import { setExpiry } from '../store/credential-terms.ts'
import { type CredentialRecord, listCredentials, removeCredential } from '../store/credentials.ts'
import { writeTenant } from '../store/tenants.ts'
import { recordCredential } from './credential-record.ts'
import { parseDuration } from './duration.ts'
import { type FoundApp, findApp } from './find-app.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'
import { table } from './table.ts'

interface Options extends StoreOptions {
  readonly tenant: string
  readonly app: string
  readonly id?: string
  readonly expiresIn?: string
  readonly overlap?: string
}

/** What a subcommand answers: for machines, and for people. */
interface Answer {
  readonly json: object
  readonly text: string
}

type Work = (store: OpenStore, found: FoundApp, options: Options, credentialId: string) => Promise<Answer>

export function registerCredentials(group: Command): void {
  add(group, 'list', 'the credentials of an app, and what each is worth now', list)
  add(group, 'add', 'make one more secret; it is shown once', addOne)
    .option('--id <id>', 'its name (default: made up)')
    .option('--expires-in <time>', 'when it ends, such as 90d (default: never)')
  add(group, 'rotate', 'make a new secret, shown once, and give the good ones an end', rotate)
    .option('--id <id>', 'the name of the new one (default: made up)')
    .option('--expires-in <time>', 'when the new one ends (default: never)')
    .option('--overlap <time>', 'how long the others stay good; 0s ends them now', '7d')
  add(
    group,
    'expire <credential>',
    'give a credential an end; tokens that were got with it live on',
    expire,
  ).option('--expires-in <time>', 'when it ends, or never', '0s')
  add(
    group,
    'remove <credential>',
    'take a credential away, and with it every token that was got with it',
    remove,
  )
}

function add(group: Command, name: string, description: string, work: Work): Command {
  const command = group
    .command(name)
    .description(description)
    .requiredOption('--tenant <id>', 'the tenant')
    .requiredOption('--app <id>', "the app's id, or its client id")
    .option('--json', 'print JSON')
  return storeOptions(command).action(async (...given: unknown[]) => {
    // Commander hands over the arguments, then the options, then the command.
    const options = given.at(-2) as Options
    const credentialId = given.length > 2 ? String(given[0]) : ''
    const answer = await withStore(
      options,
      async (store) =>
        work(store, await findApp(store.db, options.tenant, options.app), options, credentialId),
      { isWriting: work !== list },
    )
    process.stdout.write(`${options.json ? JSON.stringify(answer.json, null, 2) : answer.text}\n`)
  })
}

const list: Work = async ({ db }, { tenant, app }) => {
  const now = systemEffects.clock()
  const credentials = await listCredentials(db, tenant.id, app.clientId)
  const rows = credentials.map((credential) => [
    credential.id,
    formWords[formOfFormat(credential.format)],
    standingOf(credential, now) + (credential.exposedAt !== null ? ` (${credential.exposedBy})` : ''),
    when(credential.expiresAt),
    when(credential.lastUsedAt),
    when(credential.createdAt),
    credential.blueprint ?? '-',
  ])
  const head = ['CREDENTIAL', 'KIND', 'STANDING', 'EXPIRES', 'LAST USED', 'CREATED', 'BLUEPRINT']
  return {
    json: credentials.map((credential) => credentialJson(credential, now)),
    text: credentials.length === 0 ? 'The app has no credentials.' : table([head, ...rows]),
  }
}

const when = (instant: number | null): string =>
  instant === null ? 'never' : instantText(instant).replace('.000Z', 'Z')

export const credentialJson = (credential: CredentialRecord, now: number) => ({
  credential: credential.id,
  kind: formOfFormat(credential.format),
  standing: standingOf(credential, now),
  expires_at: credential.expiresAt,
  disabled_at: credential.disabledAt,
  exposed_at: credential.exposedAt,
  exposed_by: credential.exposedBy,
  last_used_at: credential.lastUsedAt,
  created_at: credential.createdAt,
  blueprint: credential.blueprint,
})

const addOne: Work = async (store, found, options) => {
  const secret = newSecret(found, options)
  const made = await writeTenant(store.db, found.tenant.id, async (tx) => {
    const added = await addSecret(tx, secret, { ...store, ...systemEffects })
    const { credentialId } = added
    const done = { command: 'add', operation: 'createCredential', credentialId, before: null } as const
    await recordCredential(tx, found, done)
    return added
  })
  return { json: madeJson(made), text: madeText(made) }
}

const rotate: Work = async (store, found, options) => {
  const overlap = parseDuration(options.overlap ?? '', '--overlap')
  const secret = newSecret(found, options)
  const { made, ending } = await writeTenant(store.db, found.tenant.id, async (tx) => {
    const rotated = await rotateSecret(tx, secret, overlap, { ...store, ...systemEffects })
    const { before, after: beside } = endsOf(rotated)
    const { credentialId } = rotated.made
    const done = { command: 'rotate', operation: 'rotateSecret', credentialId, before, beside } as const
    await recordCredential(tx, found, done)
    return rotated
  })
  const lines = ending.map(
    ({ credential, expiresAt }) => `${credential.id} is good until ${when(expiresAt)}.`,
  )
  const declared = ending.flatMap(({ credential, expiresAt }) => declaredNote(credential, expiresAt))
  return {
    json: {
      ...madeJson(made),
      ending: ending.map(({ credential, expiresAt }) => ({
        credential: credential.id,
        expires_at: expiresAt,
        blueprint: credential.blueprint,
      })),
    },
    text: [madeText(made), ...lines, ...declared].join('\n'),
  }
}

function newSecret({ tenant, app }: FoundApp, { id, expiresIn }: Options) {
  if (!takesSecrets(app))
    throw new ConfigRefused(
      `No client_authentication of app ${app.id} uses a secret: it proves itself otherwise.`,
    )
  if (id !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(id))
    throw new ConfigRefused('--id takes lower-case letters, digits and inner hyphens, 1 to 64 characters.')
  if (id !== undefined && isRegisteredCredentialId(id))
    throw new ConfigRefused('--id is such as those that clients register under: take another.')
  const { environment } = tenant
  return { tenantId: tenant.id, environment, app, credentialId: id, expiresAt: endOf(expiresIn ?? 'never') }
}

const endOf = (text: string): number | null =>
  text === 'never' ? null : systemEffects.clock() + parseDuration(text, '--expires-in')

const madeJson = ({ credentialId, clientId, clientSecret, expiresAt }: MadeSecret) => ({
  credential: credentialId,
  client_id: clientId,
  client_secret: clientSecret,
  expires_at: expiresAt,
})

/** The one place that ever shows the secret. */
const madeText = ({ credentialId, clientId, clientSecret, expiresAt }: MadeSecret): string =>
  [
    table([
      ['CREDENTIAL', 'CLIENT ID', 'CLIENT SECRET', 'EXPIRES'],
      [credentialId, clientId, clientSecret, when(expiresAt)],
    ]),
    'Keep this secret now: it will not be shown again.',
  ].join('\n')

const expire: Work = async ({ db }, found, { expiresIn }, id) => {
  const expiresAt = endOf(expiresIn ?? '')
  const { tenant, app } = found
  const credential = await writeTenant(db, tenant.id, async (tx) => {
    const old = await credentialOf(tx, tenant.id, app.clientId, id)
    await setExpiry(tx, tenant.id, app.clientId, [id], expiresAt)
    const done = { command: 'expire', operation: 'updateCredential', credentialId: id } as const
    await recordCredential(tx, found, { ...done, before: credentialState(old) })
    return old
  })
  const text =
    expiresAt === null ? `${id} no longer ends by itself.` : `${id} is good until ${when(expiresAt)}.`
  return {
    json: { credential: id, expires_at: expiresAt, blueprint: credential.blueprint },
    text: [text, ...declaredNote(credential, expiresAt)].join('\n'),
  }
}

const remove: Work = async ({ db }, found, _options, id) => {
  const { tenant, app } = found
  const credential = await writeTenant(db, tenant.id, async (tx) => {
    const old = await credentialOf(tx, tenant.id, app.clientId, id)
    await removeCredential(tx, tenant.id, app.clientId, id)
    const done = { command: 'remove', operation: 'removeCredential', credentialId: id } as const
    await recordCredential(tx, found, { ...done, before: credentialState(old) })
    return old
  })
  const note =
    credential.blueprint === null
      ? []
      : [
          `Blueprint ${credential.blueprint} declares it: take it out there too, or the next apply makes it anew.`,
        ]
  return {
    json: { credential: id, removed: true, blueprint: credential.blueprint },
    text: [`${id} is gone, and every token that was got with it is dead.`, ...note].join('\n'),
  }
}

async function credentialOf(
  from: Pick<OpenStore['db'], 'kysely'>,
  tenantId: string,
  clientId: string,
  id: string,
): Promise<CredentialRecord> {
  const credentials = await listCredentials(from, tenantId, clientId)
  const found = credentials.find((credential) => credential.id === id)
  if (found) return found
  const names = credentials.map((credential) => credential.id).join(', ') || 'none'
  throw new ConfigRefused(`The app has no credential ${id}; it has: ${names}.`)
}

function declaredNote({ id, blueprint }: CredentialRecord, expiresAt: number | null): string[] {
  if (blueprint === null) return []
  const end = expiresAt === null ? 'no expires_at' : 'its expires_at'
  return [`Blueprint ${blueprint} declares ${id}: write ${end} there too, or the next apply sets it back.`]
}
