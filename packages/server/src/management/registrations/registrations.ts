/**
 * Apps that register themselves: made, changed and removed by the rules that hold for every app, each in one transaction with
 * its audit record. Who asks holds a token of ours for nothing else: for so many new apps of one organization, or for one app.
 */

import { isDeepStrictEqual } from 'node:util'
import {
  formatRegistrationToken,
  type Members,
  OAuthError,
  parseRegistrationToken,
} from '@sallyport/protocol'
import {
  digestOfRegistrationToken,
  type OfClient,
  type RegisteredApp,
  type Registrations,
  type WantedApp,
  type WithToken,
} from '../../apps/registration.ts'
import type { AppSettings } from '../../apps/settings.ts'
import { sameVerifier } from '../../keys/secret-hasher.ts'
import { findAppByClientId, removeApp } from '../../store/apps.ts'
import { listProofs } from '../../store/credentials.ts'
import type { WriteTransaction } from '../../store/database.ts'
import {
  findRegistrationTokenByDigest,
  type RegistrationTokenRecord,
  takeRegistration,
} from '../../store/registration-tokens.ts'
import { addRegistration, describeRegistration, findRegistration } from '../../store/registrations.ts'
import { lockTenant } from '../../store/tenants.ts'
import { checkAppCount } from '../bounds.ts'
import type { Caller } from '../caller.ts'
import { newClientId, planOf, saveCheckedApp, showApp } from '../nouns/apps.ts'
import type { OperationDeps } from '../operation.ts'
import { createRate, type RateState, type RateTerms } from '../rate.ts'
import type { KeptTerms } from '../registration-terms.ts'
import { checkKeyPlaces, settleCredentials } from './credentials.ts'
import { type By, recordApp, recordingCredentials } from './records.ts'
import { inWordsOfOAuth, refuseMetadata, refuseToken } from './refusals.ts'
import { type Found, findOwn, findOwner, findUsableOwner, type Owner, registeredApp } from './registered.ts'
import { changedSettings, methodOf, newSettings } from './wanted-settings.ts'

/** Of one token: a program registers once and looks now and then. */
const defaultRate: RateTerms = { calls: 60, windowSeconds: 60 }
/** Of all programs of one organization: what each writes stays in the audit chain. */
const organizationRate: RateTerms = { calls: 600, windowSeconds: 60 }

export function createRegistrations(deps: OperationDeps, rate: RateTerms = defaultRate): Registrations {
  const takeCall = createRate(rate)
  const takeWrite = createRate(organizationRate)
  const { db, effects } = deps

  function countCall(digest: Uint8Array): void {
    const state = takeCall(Buffer.from(digest).toString('hex'), effects.clock())
    refuseOver(state, 'with one registration token', 'Too many requests with this token. Try again later.')
  }

  function countWrite(tenantId: string, organizationId: string): void {
    const state = takeWrite(JSON.stringify([tenantId, organizationId]), effects.clock())
    refuseOver(state, `to change what ${organizationId} has registered`, 'Too many changes. Try again later.')
  }

  /** In a transaction in which nobody else changes the tenant. */
  const writing = <Result>(tenantId: string, work: (tx: WriteTransaction) => Promise<Result>) =>
    inWordsOfOAuth(() =>
      db.write(async (tx) => {
        await lockTenant(tx, tenantId)
        return work(tx)
      }),
    )

  return {
    async checkInitialToken({ tenantId, token }) {
      if (parseRegistrationToken(token) !== 'initial')
        return refuseToken('no initial access token by its looks')
      const digest = digestOfRegistrationToken(token)
      const known = await findRegistrationTokenByDigest(db, tenantId, digest)
      if (known === null) return refuseToken('no initial access token')
      countCall(digest)
      const isSpent = known.registered >= known.registrations || known.expiresAt <= effects.clock()
      if (isSpent) refuseToken(`initial access token ${known.id} is used up or has expired`)
      countWrite(tenantId, known.organizationId)
    },
    async register(by, wanted) {
      await checkKeyPlaces(wanted, deps)
      return writing(by.tenantId, (tx) => register(tx, by, wanted, deps))
    },
    async read(by) {
      const found = await findOwn(db, by)
      countCall(found.registration.digest)
      await findUsableOwner(db, by.tenantId, found)
      return registeredApp(db, by.tenantId, found)
    },
    // Whoever changes has read before, which was counted as a call.
    async replace(by, wanted, secret) {
      countWrite(by.tenantId, (await findOwn(db, by)).row.organizationId)
      await checkKeyPlaces(wanted, deps)
      return writing(by.tenantId, (tx) => replace(tx, by, { wanted, secret }, deps))
    },
    async remove(by) {
      const { registration, row } = await findOwn(db, by)
      countCall(registration.digest)
      countWrite(by.tenantId, row.organizationId)
      return writing(by.tenantId, (tx) => remove(tx, by))
    },
  }
}

function refuseOver({ isOver, headers }: RateState, of: string, detail: string): void {
  if (!isOver) return
  throw new OAuthError('temporarily_unavailable', `too many calls ${of}`, {
    status: 429,
    retryAfterSeconds: Number(headers['Retry-After']),
    detail,
  })
}

/** Who has no role anywhere: bounds hold for it. */
const nobody: Caller = { actor: '', scopes: new Set(), scheme: 'Bearer', memberships: [] }

/** Nothing that the client could say otherwise. */
const checkRoom = (tx: WriteTransaction, tenantId: string, organizationId: string) =>
  inWordsOfOAuth(() => checkAppCount(tx, nobody, { tenantId, organizationId }), { conflict: 'access_denied' })

async function register(
  tx: WriteTransaction,
  { tenantId, token, requestId }: WithToken,
  wanted: WantedApp,
  deps: OperationDeps,
) {
  const given = await takeRegistration(tx, tenantId, digestOfRegistrationToken(token))
  if (given === null) return refuseToken('initial access token is used up, has expired or was removed')
  const owner = await findOwner(tx, tenantId, given.organizationId)
  if (owner === null) return refuseToken('tenant or organization is disabled')
  const shown = await makeApp(tx, owner, given, wanted, deps)
  const { client_id: clientId } = shown
  const registrationToken = formatRegistrationToken('registration', deps.effects.random(32))
  await addRegistration(tx, tenantId, {
    ...{ clientId, tokenId: given.id, digest: digestOfRegistrationToken(registrationToken) },
    ...{ terms: given.terms as KeptTerms, described: wanted.described },
  })
  const found = await foundAgain(tx, tenantId, clientId)
  const by: By = { tenantId, actor: `registration token ${given.id}`, requestId }
  const after = stateOf(shown, wanted.described)
  recordApp(tx, by, clientId, { action: 'createApp', before: null, after })
  const proving = { tx, entry: owner.entry, row: found.row, wanted, methodBefore: null }
  const secret = await recordingCredentials(tx, by, clientId, () => settleCredentials(proving, deps))
  return { ...(await registeredApp(tx, tenantId, found, secret)), registrationToken }
}

/** Under names that nobody has chosen, so that nobody is imitated. */
async function makeApp(
  tx: WriteTransaction,
  { entry, organization }: Owner,
  given: RegistrationTokenRecord,
  wanted: WantedApp,
  { effects: { random } }: OperationDeps,
) {
  const terms = given.terms as KeptTerms
  if (!terms.is_granted) await checkRoom(tx, entry.id, organization.id)
  const id = `registered-${Buffer.from(random(8)).toString('hex')}`
  const place = { clientId: newClientId(entry, random), id, organizationId: organization.id }
  const settings = newSettings(wanted, terms, planOf(entry, organization))
  return saveCheckedApp(tx, entry, place, { name: wanted.name ?? id, ...settings }, null)
}

async function foundAgain(tx: WriteTransaction, tenantId: string, clientId: string): Promise<Found> {
  const row = await findAppByClientId(tx, tenantId, clientId)
  const registration = await findRegistration(tx, tenantId, clientId)
  if (row === null || registration === null) throw new Error(`App ${clientId} was registered and is gone.`)
  return { row, registration }
}

interface Change {
  readonly wanted: WantedApp
  readonly secret: string | null
}

/** RFC 7592 §2.2: what stood there is replaced; what people have set beside it stays. */
async function replace(
  tx: WriteTransaction,
  by: OfClient,
  { wanted, secret }: Change,
  deps: OperationDeps,
): Promise<RegisteredApp> {
  const { tenantId, clientId } = by
  const before = await findOwn(tx, by)
  const { entry } = await findUsableOwner(tx, tenantId, before)
  if (secret !== null && !(await isItsSecret(tx, by, secret, deps)))
    refuseMetadata('client_secret: is not the one of this client. Leave it out: it cannot be chosen.')
  const settings = before.row.settings as AppSettings
  const terms = before.registration.terms as KeptTerms
  const body = { name: wanted.name ?? before.row.id, ...changedSettings(wanted, settings, terms) }
  const was = { name: before.row.name, ...settings }
  // Said again as it is, it is neither written nor recorded: programs do so at each start.
  if (!isDeepStrictEqual([body, wanted.described], [was, before.registration.described])) {
    const shown = await saveCheckedApp(tx, entry, before.row, body, before.row)
    await describeRegistration(tx, tenantId, clientId, wanted.described)
    recordApp(tx, byClient(by), clientId, {
      action: 'updateApp',
      before: stateOf(showApp(before.row), before.registration.described as Members),
      after: stateOf(shown, wanted.described),
    })
  }
  const found = await foundAgain(tx, tenantId, clientId)
  const proving = { tx, entry, row: found.row, wanted, methodBefore: methodOf(settings) }
  const settle = () => settleCredentials(proving, deps)
  const made = await recordingCredentials(tx, byClient(by), clientId, settle)
  return registeredApp(tx, tenantId, found, made)
}

/** RFC 7592 §2.3. As when its people remove it: its tokens are dead at once. */
async function remove(tx: WriteTransaction, by: OfClient): Promise<void> {
  const { tenantId, clientId } = by
  const found = await findOwn(tx, by)
  await findUsableOwner(tx, tenantId, found)
  await removeApp(tx, tenantId, clientId)
  const before = stateOf(showApp(found.row), found.registration.described as Members)
  recordApp(tx, byClient(by), clientId, { action: 'removeApp', before, after: null })
}

const byClient = ({ tenantId, clientId, requestId }: OfClient): By => ({
  tenantId,
  actor: `client ${clientId}`,
  requestId,
})

const stateOf = (shown: object, described: Members): string =>
  JSON.stringify({ ...shown, registration: described })

/** RFC 7592 §2.2: a client may say its secret again, and choose none. */
async function isItsSecret(
  tx: WriteTransaction,
  { tenantId, clientId }: OfClient,
  secret: string,
  { hasher }: OperationDeps,
): Promise<boolean> {
  const known = (await listProofs(tx, tenantId, clientId)).filter(({ format }) => format === 'hmac-sha256')
  return hasher.versions.some((version) => {
    const computed = hasher.compute(version, tenantId, clientId, secret)
    return computed !== null && known.some(({ verifier }) => sameVerifier(verifier, computed))
  })
}
