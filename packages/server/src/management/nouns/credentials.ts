/** Credentials of an app: what it proves itself with. A secret is shown once, when it is made. */

import type { Static } from 'typebox'
import { isRegisteredCredentialId } from '../../apps/registered-credential.ts'
import {
  addSecret,
  endsOf,
  type RotatedSecret,
  rotateSecret,
  standingOf,
  takesSecrets,
} from '../../apps/secrets.ts'
import type { AppEntry } from '../../blueprint/schema.ts'
import { checkFederationRule } from '../../federation/check-rule.ts'
import { addCredential, disableCredential, setExpiry } from '../../store/credential-terms.ts'
import { type CredentialRecord, listCredentials, removeCredential } from '../../store/credentials.ts'
import type { WriteTransaction } from '../../store/database.ts'
import { selectTenant } from '../../store/tenants.ts'
import { requirePermission } from '../authorize.ts'
import { checkCredentialCount } from '../bounds.ts'
import {
  ChangedCredential,
  CredentialShape,
  credentialState,
  defaultOverlapSeconds,
  NewCredential,
  NewRotation,
  RotatedShape,
  showCredential,
} from '../credential-shapes.ts'
import { tenantEntry } from '../declared.ts'
import { checkOperatorGetsIn } from '../last-operator.ts'
import { type From, list, type OperationDeps, read, type Written, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { checkBeside, resolveProof } from '../proofs.ts'
import { checkReachable, findGood, type UrlsInBody, urlsOfIssuer } from '../reachable.ts'
import { findApp } from './apps.ts'

type InCredential = { readonly tenant: string; readonly app: string; readonly credential: string }

/** What moves by itself, with every token and with time, is no part of what a change depends on. */
async function findCredential({ tenant, app, credential }: InCredential, from: From) {
  const found = await findApp({ tenant, app }, from)
  // Looked for without an app too: the time must not tell whether another organization has it.
  const row = await rowOf(from, tenant, app, credential)
  if (found === null || row === undefined) return null
  const value = credentialState(row)
  return { ...found, name: `credential ${app} ${credential}`, row, value, app: found.row }
}

async function rowOf(
  from: From,
  tenantId: string,
  clientId: string,
  credentialId: string,
): Promise<CredentialRecord | undefined> {
  return (await listCredentials(from, tenantId, clientId)).find((one) => one.id === credentialId)
}

async function shownOf(tx: WriteTransaction, tenantId: string, clientId: string, credentialId: string) {
  const row = await rowOf(tx, tenantId, clientId, credentialId)
  if (row === undefined) throw new Error(`Credential ${credentialId} was saved and is gone.`)
  return { body: showCredential(row, tx.now), after: credentialState(row) }
}

/** The answer shows the secret, the audit chain does not. */
async function madeSecret(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  made: { readonly credentialId: string; readonly clientSecret: string },
): Promise<Written> {
  const { body, after } = await shownOf(tx, tenantId, clientId, made.credentialId)
  return {
    body: { ...body, client_id: clientId, client_secret: made.clientSecret },
    after,
    location: `/tenants/${tenantId}/apps/${clientId}/credentials/${made.credentialId}`,
    name: `credential ${clientId} ${made.credentialId}`,
    isSecret: true,
  }
}

/** Who would have ended sooner anyway keeps that end. */
const newEndsOf = ({ ending }: RotatedSecret) =>
  ending.flatMap(({ credential: { id: name, blueprint, expiresAt: before }, expiresAt }) =>
    expiresAt === before ? [] : [{ id: name, expires_at: expiresAt, blueprint }],
  )

async function refuseTaken(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  name: string | undefined,
) {
  if (name !== undefined && isRegisteredCredentialId(name))
    refuseWith('invalid_body', { misfits: [ofClients] })
  if (name !== undefined && (await rowOf(tx, tenantId, clientId, name)) !== undefined)
    refuseWith('conflict', { detail: `The app has a credential ${name}.` })
}

const ofClients = {
  ...{ pointer: '/id', found: 'a name such as those that clients register under' },
  expected: 'another, or none: then one is made up',
}

type Found = NonNullable<Awaited<ReturnType<typeof findApp>>>

async function createSecret(
  { row: app, place }: Found,
  body: { readonly id?: string; readonly expires_at?: number | null },
  tx: WriteTransaction,
  deps: OperationDeps,
): Promise<Written> {
  const tenantId = place.tenantId ?? ''
  const secretTerms = await newSecretTerms(tx, tenantId, app, body)
  const made = await addSecret(tx, secretTerms, { ...deps, random: deps.effects.random })
  await checkCredentialCount(tx, tenantId, app.clientId)
  return madeSecret(tx, tenantId, app.clientId, made)
}

async function newSecretTerms(
  tx: WriteTransaction,
  tenantId: string,
  app: Found['row'],
  body: { readonly id?: string; readonly expires_at?: number | null },
) {
  if (!takesSecrets(app))
    refuseWith('conflict', { detail: 'No client_authentication of the app uses a secret.' })
  await refuseTaken(tx, tenantId, app.clientId, body.id)
  const environment = (await selectTenant(tx.kysely, tenantId))?.environment ?? 'test'
  return { tenantId, environment, app, credentialId: body.id, expiresAt: body.expires_at ?? null }
}

const fetchedUrls = ({ jwks_uri: keysAt, federation }: Static<typeof NewCredential>): UrlsInBody => ({
  '/jwks_uri': keysAt,
  ...(federation && urlsOfIssuer(federation, '/federation')),
})

interface Creating {
  readonly target: Found
  readonly body: Static<typeof NewCredential>
  /** The URLs that can be fetched from. */
  readonly prepared: ReadonlySet<string>
}

/** A generated secret, or what the app has elsewhere: a key, a certificate, a rule, the hash of a secret. */
async function create(
  { target, body, prepared }: Creating,
  tx: WriteTransaction,
  deps: OperationDeps,
): Promise<Written> {
  const { id: wanted, expires_at: expiresAt = null, ...proofEntry } = body
  const tenantId = target.place.tenantId ?? ''
  const { row: app } = target
  const { clientId } = app
  const id = wanted ?? `credential-${Buffer.from(deps.effects.random(4)).toString('hex')}`
  await refuseTaken(tx, tenantId, clientId, wanted)
  const tenant = await tenantEntry(tx, tenantId)
  if (tenant === null) refuseWith('not_found')
  const appEntry = { ...(app.settings as object), id: app.id, name: app.name } as AppEntry
  const proof = await resolveProof(tenant, appEntry, { ...proofEntry, id })
  if (proof.form === 'secret' && proof.secret.kind === 'generated')
    return createSecret(
      target,
      { ...(wanted !== undefined && { id: wanted }), expires_at: expiresAt },
      tx,
      deps,
    )
  checkReachable(fetchedUrls(body), prepared)
  await checkBeside(tx, tenantId, clientId, proof)
  await addCredential(tx, tenantId, clientId, { id, ...verifierOf(proof), pepperVersion: null, expiresAt })
  await checkCredentialCount(tx, tenantId, clientId)
  const { body: made, after } = await shownOf(tx, tenantId, clientId, id)
  return {
    ...{ body: { ...made, ...warningsOf(body) }, after },
    location: `/tenants/${tenantId}/apps/${clientId}/credentials/${id}`,
    name: `credential ${clientId} ${id}`,
  }
}

/** As `sallyport apply` prints them of a blueprint. */
function warningsOf({ federation }: Static<typeof NewCredential>) {
  const { warnings } = federation ? checkFederationRule(federation) : { warnings: [] }
  return warnings.length === 0 ? {} : { warnings }
}

/** Of secrets only the hashes of others come this way. */
function verifierOf(proof: Awaited<ReturnType<typeof resolveProof>>) {
  if (proof.form !== 'secret') return { format: proof.format, verifier: proof.verifier }
  if (proof.secret.kind !== 'hash')
    refuseWith('invalid_body', {
      misfits: [{ pointer: '/secret', found: 'something else', expected: 'generated, or {"hash": …}' }],
    })
  return { format: proof.secret.format, verifier: proof.secret.verifier }
}

const shown = {
  ...{ id: 'main', kind: 'secret', standing: 'good', disabled: false, expires_at: null, last_used_at: null },
  ...{
    exposed_at: null,
    exposed_by: null,
    blueprint: null,
    created_at: 1_800_000_000,
    updated_at: 1_800_000_000,
  },
}
const withSecret = {
  ...shown,
  client_id: '5f0c2b7e9a1d4c3b8e6f7a90',
  client_secret: 'sp_live_… (shown once)',
}

export const credentialOperations = [
  list({
    id: 'listCredentials',
    command: 'credentials list',
    path: '/tenants/{tenant}/apps/{app}/credentials',
    about: 'The credentials of an app, and what each is worth now.',
    permission: 'read_apps',
    output: CredentialShape,
    example: { answer: shown },
    find: findApp,
    async run({ params: { tenant, app } }, { after = '', limit, now }, from) {
      const rows = await listCredentials(from, tenant, app)
      return rows
        .filter((row) => row.id > after)
        .slice(0, limit)
        .map((row) => showCredential(row, now))
    },
    keyOf: (item) => item.id,
  }),
  read({
    id: 'readCredential',
    command: 'credentials show',
    path: '/tenants/{tenant}/apps/{app}/credentials/{credential}',
    about: 'One credential, never its secret.',
    permission: 'read_apps',
    output: CredentialShape,
    example: { answer: shown },
    find: findCredential,
    run: async ({ target }, _from, { effects }) => showCredential(target.row, effects.clock()),
  }),
  write({
    id: 'createCredential',
    command: 'credentials create',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/apps/{app}/credentials',
    about: 'Make one more credential; a generated secret is shown in this one answer.',
    permission: 'manage_api_credentials',
    body: NewCredential,
    output: CredentialShape,
    problems: ['conflict', 'secret_shown_once'],
    example: { body: { id: 'main', secret: 'generated' }, answer: withSecret },
    find: findApp,
    prepare: ({ body }, _from, deps) => findGood(fetchedUrls(body), deps),
    run: create,
  }),
  write({
    id: 'rotateSecret',
    command: 'credentials rotate',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/apps/{app}/rotate-secret',
    about: 'Make a new secret, shown in this one answer, and give the good ones an end.',
    permission: 'manage_api_credentials',
    body: NewRotation,
    output: RotatedShape,
    problems: ['conflict', 'secret_shown_once'],
    example: {
      body: { overlap_seconds: 604_800 },
      answer: { ...withSecret, ends: [{ id: 'old', expires_at: 1_800_604_800, blueprint: null }] },
    },
    find: findApp,
    async run({ body, target: { row: app, place } }, tx, deps) {
      const tenantId = place.tenantId ?? ''
      const terms = await newSecretTerms(tx, tenantId, app, body)
      const overlap = body.overlap_seconds ?? defaultOverlapSeconds
      const rotated = await rotateSecret(tx, terms, overlap, { ...deps, random: deps.effects.random })
      await checkOperatorGetsIn(tx, tenantId, app.clientId)
      await checkCredentialCount(tx, tenantId, app.clientId)
      const written = await madeSecret(tx, tenantId, app.clientId, rotated.made)
      const { before, after } = endsOf(rotated)
      return {
        ...written,
        body: { ...written.body, ends: newEndsOf(rotated) },
        ...{ before, after: { ...written.after, ...after } },
      }
    },
  }),
  write({
    id: 'updateCredential',
    command: 'credentials update',
    method: 'PATCH',
    status: 200,
    path: '/tenants/{tenant}/apps/{app}/credentials/{credential}',
    about: 'Set its end, or switch it off: then the tokens that were got with it are dead at once.',
    permission: 'manage_api_credentials',
    body: ChangedCredential,
    output: CredentialShape,
    example: { body: { disabled: true }, answer: { ...shown, disabled: true, standing: 'disabled' } },
    find: findCredential,
    async run({ params: { tenant, app, credential }, body, target: { row, place }, caller }, tx) {
      if (row.disabledAt !== null && row.exposedAt !== null && body.disabled !== true)
        refuseWith('conflict', { detail: 'It was seen by others and stays out of use: make a new one.' })
      // Who was cut off does not let itself in again.
      if (row.disabledAt !== null && body.disabled !== true)
        requirePermission(caller, 'grant_app_privileges', place)
      await setExpiry(tx, tenant, app, [credential], body.expires_at ?? null)
      const isDisabled = body.disabled === true
      if (isDisabled !== (row.disabledAt !== null))
        await disableCredential(tx, tenant, app, credential, isDisabled)
      await checkOperatorGetsIn(tx, tenant, app)
      if (standingOf(row, tx.now) !== 'good') await checkCredentialCount(tx, tenant, app)
      return shownOf(tx, tenant, app, credential)
    },
  }),
  write({
    id: 'removeCredential',
    command: 'credentials remove',
    method: 'DELETE',
    status: 204,
    path: '/tenants/{tenant}/apps/{app}/credentials/{credential}',
    about: 'Take a credential away; the tokens that were got with it are dead at once.',
    permission: 'manage_api_credentials',
    output: null,
    example: { answer: null },
    find: findCredential,
    async run({ params: { tenant, app, credential } }, tx) {
      await removeCredential(tx, tenant, app, credential)
      await checkOperatorGetsIn(tx, tenant, app)
      return { body: null, after: null }
    },
  }),
]
