/** The table of what is measured: a row is its contestants and the goals between them; a new row is an entry here. */

import type { BenchTenant } from './blueprint.ts'
import { type Contestant, type Ground, startBaseline, startOidcProvider } from './contestant.ts'
import { type PreparedData, prepareData } from './prepared-data.ts'
import { secondsToFirstToken, startSallyport } from './sallyport.ts'
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
