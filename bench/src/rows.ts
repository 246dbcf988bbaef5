/** The table of what is measured: a row is its contestants and the goals between them; a new row is an entry here. */

import { readFileSync } from 'node:fs'
import type { BenchTenant } from './blueprint.ts'
import type { CredentialList } from './bulk-apps.ts'
import { issuer } from './claims.ts'
import {
  baselineClient,
  basicCredential,
  type Contestant,
  type DrawnContestant,
  type Ground,
  startBaseline,
  startOidcProvider,
} from './contestant.ts'
import { feedRow } from './feed-row.ts'
import { guardCachedRow, guardFastifyRow, guardMemoryRow, guardRow } from './guard-rows.ts'
import { deletionsRow } from './guarded/deletions-row.ts'
import type { DrawnPlan } from './load-protocol.ts'
import { managedRow, pagesRow } from './manage-rows.ts'
import { proverId } from './prepared-data.ts'
import type { Crowd, Entry, Goal, Row, Scene, ThroughputRow } from './row.ts'
import { secondsToFirstToken, startSallyport } from './sallyport.ts'
import { type ProofKind, proofPlan, publicHalf } from './signed-request.ts'
import type { Algorithm } from './signers.ts'
import { forgottenTokens, introspectionPlan, meaninglessTokens, tokensFrom, tokensOf } from './token-pools.ts'

const constant: Entry = {
  name: 'node:http constant',
  start: ({ ground }) => startBaseline(ground, 'constant'),
}

function signing(algorithm: Algorithm): Entry {
  return {
    name: `node:http + ${algorithm}`,
    start: ({ ground }) => startBaseline(ground, 'signing', [algorithm]),
  }
}

function oidcProvider(algorithm: Algorithm): Entry {
  return {
    name: `oidc-provider ${algorithm}`,
    start: ({ ground }) => startOidcProvider(ground, algorithm),
  }
}

interface SallyportOptions {
  readonly successLog?: boolean
  readonly crowd?: Crowd
  readonly tls?: boolean
}

function sallyport(name: string, tenant: BenchTenant, options: SallyportOptions = {}): Entry {
  const { successLog = true, crowd = 'few', tls = false } = options
  return {
    name,
    async start(scene) {
      const data = await scene.dataWith(crowd)
      const { ground } = scene
      return startSallyport({
        ground,
        data,
        tenant,
        successLog,
        tls: tls ? await scene.tlsFiles() : undefined,
      })
    },
  }
}

const origin = new URL(issuer).origin

/** The same client, as the baseline programs know it. */
async function baselineProof(kind: ProofKind, start: (jwk: string) => Promise<Contestant>, scene: Scene) {
  const { proverKey: key } = await scene.dataWith('few')
  const contestant = await start(JSON.stringify(publicHalf(key)))
  const plan = proofPlan(kind, {
    ...{ path: '/token', clientId: baselineClient.id, audience: issuer, url: `${origin}/token`, key },
    credential: basicCredential(baselineClient.id, baselineClient.secret),
  })
  return { ...contestant, plan }
}

const proving = (kind: ProofKind): Entry => ({
  name: `node:http + ${kind}`,
  start: (scene) => baselineProof(kind, (jwk) => startBaseline(scene.ground, 'proving', [kind, jwk]), scene),
})

const oidcProviderProving = (kind: ProofKind): Entry => ({
  name: `oidc-provider ${kind}`,
  start: (scene) =>
    baselineProof(kind, (jwk) => startOidcProvider(scene.ground, 'ES256', [kind, jwk]), scene),
})

const sallyportProving = (kind: ProofKind): Entry => ({
  name: shipped,
  async start(scene) {
    const data = await scene.dataWith('few')
    const contestant = await startSallyport({ ground: scene.ground, data, tenant: 'es256', successLog: true })
    const path = '/es256/oauth2/token'
    const { file, bytes } = data.credentials.es256
    const plan = proofPlan(kind, {
      ...{ path, clientId: proverId, audience: `${origin}/es256`, url: origin + path, key: data.proverKey },
      credential: readFileSync(file, 'latin1').slice(0, bytes),
    })
    return { ...contestant, plan }
  },
})

const proofRow = (kind: ProofKind, title: string): ThroughputRow => ({
  kind: 'throughput',
  name: kind,
  title,
  entries: [proving(kind), oidcProviderProving(kind), sallyportProving(kind)],
  goals: [atLeast(shipped, 0.7, `node:http + ${kind}`), atLeast(shipped, 2, `oidc-provider ${kind}`)],
})

const signingWithTls: Entry = {
  name: 'node:https + ES256',
  start: async ({ ground, tlsFiles }) =>
    startBaseline(ground, 'signing', ['ES256'], { tls: await tlsFiles() }),
}

type Pool = (contestant: DrawnContestant, scene: Scene) => Promise<CredentialList>

const poolFromContestant: Pool = (contestant, { ground }) => tokensFrom(contestant, ground)
const largePoolFromContestant: Pool = (contestant, { ground }) =>
  tokensFrom(contestant, ground, forgottenTokens)
const poolBehindItsBack: Pool = async (contestant, { ground, dataWith }) =>
  tokensOf(await dataWith('few'), contestant, ground)

const introspecting = (
  name: string,
  tenant: BenchTenant,
  pool: Pool,
  order: Pick<DrawnPlan, 'inTurn'> = {},
): Entry => ({
  name,
  async start(scene) {
    const data = await scene.dataWith('few')
    const contestant = await startSallyport({ ground: scene.ground, data, tenant, successLog: true })
    const tokens = await pool(contestant, scene)
    const plan = introspectionPlan(`/${tenant}/oauth2/introspect`, data.resourceServer, tokens)
    return { ...contestant, plan: { ...plan, ...order } }
  },
})

const introspectingBaseline = (
  name: string,
  start: (ground: Ground) => Promise<DrawnContestant>,
  pool: Pool,
): Entry => ({
  name,
  async start(scene) {
    const contestant = await start(scene.ground)
    const credential = basicCredential(baselineClient.id, baselineClient.secret)
    const tokens = await pool(contestant, scene)
    return { ...contestant, plan: introspectionPlan('/token/introspection', credential, tokens) }
  },
})

/** The same answer whatever it is asked; asked as much as the others. */
const constantAsked = (tokenBytes: number): Entry =>
  introspectingBaseline(
    constant.name,
    (ground) => startBaseline(ground, 'constant'),
    async (contestant, { ground }) => meaninglessTokens(ground, contestant, tokenBytes),
  )

const clustered = (workers: number): Entry => ({
  name: `node:cluster + ES256, ${workers}`,
  start: ({ ground }) =>
    startBaseline(ground, 'cluster', [String(workers), 'ES256'], {
      place: workers > 1 ? 'contestants' : 'contestant',
    }),
})

const withWorkers = (workers: number): Entry => ({
  name: `Sallyport --workers ${workers}`,
  async start({ ground, dataWith }) {
    const data = await dataWith('few')
    return startSallyport({ ground, data, tenant: 'es256', successLog: true, workers })
  },
})

const shipped = 'Sallyport as shipped'
const quiet = 'Sallyport, no success log'
const quietly = { successLog: false }
const few = 'Sallyport, few apps'
const many = 'Sallyport, many apps'
const unknown = 'Sallyport, tokens it does not remember'
// About what the tokens of the other contestants have.
const jwtBytes = 620
const opaqueBytes = 60

function atLeast(of: string, share: number, to: string): Goal {
  return { kind: 'ratio', of, to, atLeast: () => share }
}

export const rows: readonly Row[] = [
  {
    kind: 'throughput',
    name: 'es256',
    title: 'JWT issuance, client credentials, ES256',
    entries: [
      signing('ES256'),
      oidcProvider('ES256'),
      sallyport(shipped, 'es256'),
      sallyport(quiet, 'es256', quietly),
    ],
    goals: [
      atLeast(shipped, 0.75, 'node:http + ES256'),
      atLeast(quiet, 0.8, 'node:http + ES256'),
      {
        kind: 'ratio',
        of: shipped,
        to: 'oidc-provider ES256',
        // Node 26 signs faster for everybody, so the peer gains more by it than we do.
        atLeast: (nodeMajor) => (nodeMajor >= 26 ? 2.3 : 3),
      },
    ],
  },
  {
    kind: 'throughput',
    name: 'eddsa',
    title: 'JWT issuance, client credentials, EdDSA',
    entries: [signing('EdDSA'), sallyport(shipped, 'eddsa'), sallyport(quiet, 'eddsa', quietly)],
    goals: [atLeast(shipped, 0.75, 'node:http + EdDSA'), atLeast(quiet, 0.8, 'node:http + EdDSA')],
  },
  {
    kind: 'throughput',
    name: 'rs256',
    title: 'JWT issuance, client credentials, RS256',
    entries: [signing('RS256'), oidcProvider('RS256'), sallyport(shipped, 'rs256')],
    goals: [atLeast(shipped, 0.9, 'node:http + RS256')],
  },
  {
    kind: 'throughput',
    name: 'ps256',
    title: 'JWT issuance, client credentials, PS256 (no goal of its own)',
    entries: [signing('PS256'), sallyport(shipped, 'ps256')],
    goals: [],
  },
  {
    kind: 'throughput',
    name: 'reuse',
    title: 'Token reuse: a valid token is served again',
    entries: [constant, oidcProvider('ES256'), sallyport(shipped, 'reuse')],
    goals: [atLeast(shipped, 0.7, 'node:http constant')],
  },
  {
    kind: 'throughput',
    name: 'million',
    title: '10 apps against 1,000,000 apps asked uniformly at random, ES256',
    entries: [sallyport(few, 'es256'), sallyport(many, 'es256', { crowd: 'many' })],
    goals: [atLeast(many, 0.9, few), { kind: 'memory', of: many, below: 250 }],
  },
  proofRow('assertion', 'private_key_jwt: one ES256 assertion verified, one token signed'),
  proofRow('dpop', 'DPoP: one ES256 proof verified, one token bound to its key and signed'),
  {
    kind: 'throughput',
    name: 'tls',
    title: 'JWT issuance, ES256, TLS ended by whoever is measured (no goal of its own)',
    entries: [signingWithTls, sallyport(shipped, 'es256', { tls: true })],
    goals: [],
  },
  {
    kind: 'throughput',
    name: 'introspect-jwt',
    title:
      'Introspection of JWTs, ES256: the API asks about 1,000 tokens at random (a second line: about 12,000 in turn)',
    entries: [
      constantAsked(jwtBytes),
      introspecting(shipped, 'es256', poolFromContestant),
      introspecting(unknown, 'es256', poolBehindItsBack, { inTurn: true }),
    ],
    goals: [atLeast(shipped, 0.6, constant.name)],
  },
  {
    kind: 'throughput',
    name: 'introspect-opaque',
    title:
      'Introspection of opaque tokens, SQLite: the API asks about 1,000 tokens at random (a second line: about 12,000 in turn)',
    entries: [
      constantAsked(opaqueBytes),
      introspecting(shipped, 'opaque', poolFromContestant),
      introspecting(unknown, 'opaque', largePoolFromContestant, { inTurn: true }),
    ],
    goals: [atLeast(shipped, 0.4, constant.name)],
  },
  {
    kind: 'throughput',
    name: 'workers',
    title: 'What a second process gains: JWT issuance, ES256',
    entries: [clustered(1), clustered(2), withWorkers(1), withWorkers(2)],
    goals: [
      {
        kind: 'gain',
        of: { one: withWorkers(1).name, two: withWorkers(2).name },
        beside: { one: clustered(1).name, two: clustered(2).name },
        atLeast: 0.95,
      },
    ],
  },
  feedRow,
  deletionsRow,
  pagesRow,
  managedRow,
  guardRow,
  guardCachedRow,
  guardFastifyRow,
  guardMemoryRow,
  {
    kind: 'start',
    name: 'start',
    title: 'First token after `serve` starts on an existing data folder',
    atMostSeconds: 1.5,
    measure: async ({ ground, dataWith }) => secondsToFirstToken(ground, await dataWith('few')),
  },
]
