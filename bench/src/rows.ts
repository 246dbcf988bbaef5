/** The table of what is measured: a row is its contestants and the goals between them; a new row is an entry here. */

import { readFileSync } from 'node:fs'
import type { BenchTenant } from './blueprint.ts'
import { issuer } from './claims.ts'
import {
  baselineClient,
  basicCredential,
  type Contestant,
  type Ground,
  startBaseline,
  startOidcProvider,
} from './contestant.ts'
import { type PreparedData, prepareData, proverId } from './prepared-data.ts'
import { secondsToFirstToken, startSallyport } from './sallyport.ts'
import { type ProofKind, proofPlan, publicHalf } from './signed-request.ts'
import type { Algorithm } from './signers.ts'
import { prepareTlsFiles, type TlsFiles } from './tls-files.ts'

/** How many apps a data folder has: ten, or what `--apps` says. */
export type Crowd = 'few' | 'many'

export interface Scene {
  readonly ground: Ground
  /** Prepared on first use and kept for the rows that follow. */
  dataWith(crowd: Crowd): Promise<PreparedData>
  tlsFiles(): Promise<TlsFiles>
}

export interface Entry {
  readonly name: string
  start(scene: Scene): Promise<Contestant>
}

export type Goal =
  | { readonly kind: 'ratio'; readonly of: string; readonly to: string; atLeast(nodeMajor: number): number }
  | { readonly kind: 'memory'; readonly of: string; readonly below: number }

export interface ThroughputRow {
  readonly kind: 'throughput'
  readonly name: string
  readonly title: string
  readonly entries: readonly Entry[]
  readonly goals: readonly Goal[]
}

/** Seconds until the first token, instead of tokens per second. */
export interface StartRow {
  readonly kind: 'start'
  readonly name: string
  readonly title: string
  readonly atMostSeconds: number
  measure(scene: Scene): Promise<number>
}

export type Row = ThroughputRow | StartRow

const fewApps = 10

export function createScene(ground: Ground, manyApps: number): Scene {
  const prepared = new Map<Crowd, Promise<PreparedData>>()
  let tlsFiles: Promise<TlsFiles> | undefined
  return {
    ground,
    dataWith(crowd) {
      const data = prepared.get(crowd) ?? prepareData(ground.dataFolder, crowd === 'few' ? fewApps : manyApps)
      prepared.set(crowd, data)
      return data
    },
    tlsFiles() {
      tlsFiles ??= prepareTlsFiles(ground.folder)
      return tlsFiles
    },
  }
}

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
  start: async ({ ground, tlsFiles }) => startBaseline(ground, 'signing', ['ES256'], await tlsFiles()),
}

const shipped = 'Sallyport as shipped'
const quiet = 'Sallyport, no success log'
const quietly = { successLog: false }
const few = 'Sallyport, few apps'
const many = 'Sallyport, many apps'

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
    kind: 'start',
    name: 'start',
    title: 'First token after `serve` starts on an existing data folder',
    atMostSeconds: 1.5,
    measure: async ({ ground, dataWith }) => secondsToFirstToken(ground, await dataWith('few')),
  },
]
