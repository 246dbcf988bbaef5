/** The rows that blueprints declare and the rows that the store holds, in one form, so that they can be compared. */

import type { CredentialFormat } from '../apps/credential-formats.ts'
import type { BlueprintTenant, CredentialVerifier } from '../store/blueprint-rows.ts'
import type { Blueprint } from './blueprint.ts'
import type { Path } from './problem.ts'
import type { ProofForm } from './schema.ts'
import type { ResolvedSecret } from './secret-source.ts'

/** From the outside in: the order in which rows are shown and written. */
export const nouns = ['tenant', 'api', 'plan', 'organization', 'app', 'credential'] as const
export type Noun = (typeof nouns)[number]

interface Named {
  readonly tenantId: string
  /** Unique among the rows of a noun, and how people are told of it: `nitrobox/acme/billing-sync`. */
  readonly address: string
}

interface Fields {
  readonly tenant: {
    readonly name: string
    readonly environment: 'test' | 'live'
    readonly hosts: readonly string[]
  }
  readonly api: { readonly id: string; readonly audience: string }
  readonly plan: { readonly id: string }
  readonly organization: { readonly id: string; readonly name: string; readonly plan: string | null }
  readonly app: {
    readonly id: string
    readonly name: string
    readonly organization: string
    /** Null where the blueprint leaves it to the store. */
    readonly client_id: string | null
  }
  readonly credential: { readonly id: string; readonly appId: string; readonly expires_at: number | null }
}

/** A proof with all that its source names in hand. */
export type ResolvedProof =
  | {
      readonly form: 'secret'
      readonly secret: ResolvedSecret
      /** Whether the clear secret is kept sealed, because `client_secret_jwt` needs it again. */
      readonly isSealed: boolean
    }
  | {
      readonly form: Exclude<ProofForm, 'secret'>
      readonly format: CredentialFormat
      readonly verifier: Buffer
    }

type OfNoun<N extends Noun> = Named & {
  readonly noun: N
  readonly fields: Fields[N]
  readonly settings: object
}

export type DeclaredRow = {
  readonly [N in Noun]: OfNoun<N> & {
    readonly blueprint: Blueprint
    readonly path: Path
  } & (N extends 'credential' ? { readonly proof: ResolvedProof } : unknown)
}[Noun]

export type StoredRow = {
  readonly [N in Noun]: OfNoun<N> & {
    readonly owner: string | null
    readonly disabledAt: number | null
  } & (N extends 'credential'
      ? { readonly verifier: CredentialVerifier; readonly exposedAt: number | null }
      : unknown) &
    (N extends 'app' ? { readonly clientId: string } : unknown)
}[Noun]

export type Declared<N extends Noun> = Extract<DeclaredRow, { readonly noun: N }>
export type Stored<N extends Noun> = Extract<StoredRow, { readonly noun: N }>

/** The same for a declared row and its stored one. An app keeps its id wherever it stands in its tenant. */
export function keyOf(row: DeclaredRow | StoredRow): string {
  if (row.noun === 'app') return `app ${row.tenantId}/${row.fields.id}`
  if (row.noun === 'credential') return `credential ${row.tenantId}/${row.fields.appId}/${row.fields.id}`
  return `${row.noun} ${row.address}`
}

/** `tenant/app`: what credentials and client ids hang on. */
export const appKey = ({ tenantId, fields }: Declared<'app'> | Stored<'app'>): string =>
  `${tenantId}/${fields.id}`

export function storedRows(rows: BlueprintTenant): StoredRow[] {
  const { tenant, hosts, apis, plans, organizations, apps } = rows
  const tenantId = tenant.id
  return [
    {
      noun: 'tenant',
      tenantId,
      address: tenantId,
      owner: tenant.blueprint,
      disabledAt: tenant.disabledAt,
      fields: { name: tenant.name, environment: tenant.environment, hosts: hosts.toSorted() },
      settings: tenant.settings as object,
    },
    ...apis.map(
      (api): Stored<'api'> => ({
        noun: 'api',
        tenantId,
        address: `${tenantId}/${api.id}`,
        owner: api.blueprint,
        disabledAt: null,
        fields: { id: api.id, audience: api.audience },
        settings: api.settings as object,
      }),
    ),
    ...plans.map(
      (plan): Stored<'plan'> => ({
        noun: 'plan',
        tenantId,
        address: `${tenantId}/${plan.id}`,
        owner: plan.blueprint,
        disabledAt: null,
        fields: { id: plan.id },
        settings: plan.settings as object,
      }),
    ),
    ...organizations.map(
      ({ id, name, planId, settings, blueprint, disabledAt }): Stored<'organization'> => ({
        noun: 'organization',
        tenantId,
        address: `${tenantId}/${id}`,
        owner: blueprint,
        disabledAt,
        fields: { id, name, plan: planId },
        settings: settings as object,
      }),
    ),
    ...apps.map(
      (app): Stored<'app'> => ({
        noun: 'app',
        tenantId,
        address: `${tenantId}/${app.organizationId}/${app.id}`,
        clientId: app.clientId,
        owner: app.blueprint,
        disabledAt: app.disabledAt,
        fields: { id: app.id, name: app.name, organization: app.organizationId, client_id: app.clientId },
        settings: app.settings as object,
      }),
    ),
    ...storedCredentials(rows),
  ]
}

function storedCredentials({ tenant, apps, credentials, verifiers }: BlueprintTenant): StoredRow[] {
  const appOf = new Map(apps.map((app) => [app.clientId, app]))
  const verifierOf = new Map(verifiers.map((verifier) => [`${verifier.clientId} ${verifier.id}`, verifier]))
  return credentials.flatMap((credential): Stored<'credential'>[] => {
    const { clientId, id, expiresAt, disabledAt, exposedAt, blueprint } = credential
    const app = appOf.get(clientId)
    const verifier = verifierOf.get(`${clientId} ${id}`)
    if (!app || !verifier) return []
    const address = `${tenant.id}/${app.organizationId}/${app.id}/${id}`
    return [
      {
        noun: 'credential',
        tenantId: tenant.id,
        address,
        owner: blueprint,
        disabledAt,
        exposedAt,
        verifier,
        fields: { id, appId: app.id, expires_at: expiresAt },
        settings: {},
      },
    ]
  })
}
