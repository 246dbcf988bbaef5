/** What is wrong with a token that this server has issued: its times, its key, and everything that it hangs on. */

import { credentialSubject, type RevocationKind, type TokenFacts } from '@sallyport/protocol'
import { type AppRecord, findAppByClientId } from '../store/apps.ts'
import { type CredentialRecord, listCredentials } from '../store/credentials.ts'
import type { Database } from '../store/database.ts'
import { type OrganizationRecord, selectOrganization } from '../store/organizations.ts'
import { lateSeconds } from '../store/revocations.ts'
import type { SigningKeyRecord } from '../store/signing-keys.ts'
import type { TenantRow } from '../store/tenants.ts'
import type { Subject } from './cut-offs.ts'
import { instantText } from './instant-text.ts'
import type { Problem } from './token-report.ts'

const getNew = 'Get a new one from the token endpoint.'
const enable = 'Enable it, then get a new token: what was cut off stays dead.'

const clocks =
  'Compare the clocks of the server that has issued it and of this host: more than a minute between them is a fault.'

type JsonObject = Readonly<Record<string, unknown>>

export function timeProblems({ exp, nbf, iat }: JsonObject, now: number): readonly Problem[] {
  const problem = (sentence: string, nextStep: string) => [{ sentence, nextStep }]
  return [
    ...(typeof exp === 'number' && now >= exp ? problem(`It expired at ${instantText(exp)}.`, getNew) : []),
    ...(typeof nbf === 'number' && now < nbf
      ? problem(`It is not valid before ${instantText(nbf)}.`, `Wait until then. ${clocks}`)
      : []),
    ...(typeof iat === 'number' && iat > now + 60
      ? problem(`It was issued in the future, at ${instantText(iat)}.`, clocks)
      : []),
  ]
}

export const keyProblems = (key: SigningKeyRecord | null): readonly Problem[] =>
  key?.state === 'retired'
    ? [
        {
          sentence: 'Its signing key is retired.',
          nextStep: `Nobody verifies with that key since ${instantText(key.updatedAt)}. ${getNew}`,
        },
      ]
    : []

/** What a token hangs on, as it stands now; null where it is gone, or is another of the same name. */
export interface Standing {
  readonly app: AppRecord | null
  readonly organization: OrganizationRecord | null
  readonly credential: CredentialRecord | null
  /** Of the client id: an app that is younger than the token. */
  readonly hasNamesake: boolean
}

/** `wasCutOff`: whether a revocation hits the token by that kind of thing. */
export async function readStanding(
  db: Database,
  tenantId: string,
  { clientId, credentialId, issuedAt }: TokenFacts,
  wasCutOff: (kind: RevocationKind) => boolean,
): Promise<Standing> {
  const named = clientId === undefined ? null : await findAppByClientId(db, tenantId, clientId)
  const isOwn = (kind: RevocationKind) => isOlderThan(issuedAt, wasCutOff(kind))
  const app = named && isOwn('app')(named) ? named : null
  if (app === null) return { ...nothing, hasNamesake: named !== null }
  const organization = await selectOrganization(db, tenantId, app.organizationId)
  const credential = (await listCredentials(db, tenantId, app.clientId)).find(({ id }) => id === credentialId)
  return {
    app,
    organization,
    credential: credential && isOwn('credential')(credential) ? credential : null,
    hasNamesake: false,
  }
}

const nothing = { app: null, organization: null, credential: null }

/**
 * What came after the token is another of the same name, which whoever knew the first one must not take for it. Clocks
 * of nodes differ a little; but then nothing was cut off.
 */
const isOlderThan =
  (issuedAt: number | undefined, wasCutOff: boolean) =>
  ({ createdAt }: { readonly createdAt: number }): boolean =>
    issuedAt === undefined || createdAt <= issuedAt + (wasCutOff ? 0 : lateSeconds)

/** Beside each problem the thing that it is about, so that the audit chain can be asked who did it. */
export interface StandingProblem extends Problem {
  readonly subject: Subject
}

export function standingProblems(
  tenant: TenantRow,
  standing: Standing,
  facts: TokenFacts,
): readonly StandingProblem[] {
  return [
    ...(tenant.disabledAt === null
      ? []
      : [
          {
            sentence: 'Its tenant is disabled.',
            nextStep: enable,
            subject: { kind: 'tenant' as const, subjectId: tenant.id },
          },
        ]),
    ...(facts.clientId === undefined ? [] : appProblems(facts.clientId, standing, facts.credentialId)),
  ]
}

function appProblems(
  clientId: string,
  { app, organization, credential, hasNamesake }: Standing,
  credentialId: string | undefined,
): readonly StandingProblem[] {
  const ofApp = { kind: 'app', subjectId: clientId } as const
  if (app === null)
    return [
      {
        sentence: hasNamesake
          ? 'Its app no longer exists: the app that has its client id now was made after the token.'
          : 'Its app no longer exists.',
        nextStep: 'Get one with the credentials of an app that exists.',
        subject: ofApp,
      },
    ]
  return [
    ...(app.disabledAt === null
      ? []
      : [{ sentence: 'Its app is disabled.', nextStep: enable, subject: ofApp }]),
    ...organizationProblems(organization, app.organizationId),
    ...(credentialId === undefined ? [] : credentialProblems(clientId, credentialId, credential)),
  ]
}

const organizationProblems = (
  organization: OrganizationRecord | null,
  subjectId: string,
): readonly StandingProblem[] =>
  organization !== null && organization.disabledAt === null
    ? []
    : [
        {
          sentence: 'Its organization is disabled.',
          nextStep: enable,
          subject: { kind: 'organization', subjectId },
        },
      ]

/** One that has expired takes nothing along: secrets are rotated without an outage. */
function credentialProblems(
  clientId: string,
  credentialId: string,
  credential: CredentialRecord | null,
): readonly StandingProblem[] {
  if (credential !== null && credential.disabledAt === null) return []
  return [
    {
      sentence:
        credential === null
          ? 'The secret it was got with no longer exists.'
          : 'The secret it was got with is disabled.',
      nextStep: 'Get a new one with another secret of the app: sallyport credentials list shows what it has.',
      subject: { kind: 'credential', subjectId: credentialSubject(clientId, credentialId) },
    },
  ]
}
