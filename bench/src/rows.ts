/** The table of what is measured: a row is its contestants and the goals between them; a new row is an entry here. */
import { type Contestant, type Ground, startBaseline, startOidcProvider } from './contestant.ts'
import {
  type BenchTenant,
  type PreparedData,
  prepareSallyport,
  secondsToFirstToken,
  startSallyport,
} from './sallyport.ts'
import type { Algorithm } from './signers.ts'

export interface Scene {
  readonly ground: Ground
  /** Prepared on first use and kept for the rows that follow. */
  dataWith(apps: number): Promise<PreparedData>
}

export interface Entry {
  readonly name: string
  readonly needsSallyport: boolean
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
const manyApps = 1_000_000

export function createScene(ground: Ground): Scene {
  const prepared = new Map<number, Promise<PreparedData>>()
  return {
    ground,
    dataWith(apps) {
      const data = prepared.get(apps) ?? prepareSallyport(ground, apps)
      prepared.set(apps, data)
      return data
    },
  }
}

const constant: Entry = {
  name: 'node:http constant',
  needsSallyport: false,
  start: ({ ground }) => startBaseline(ground, 'constant'),
}

function signing(algorithm: Algorithm): Entry {
  return {
    name: `node:http + ${algorithm}`,
    needsSallyport: false,
    start: ({ ground }) => startBaseline(ground, 'signing', [algorithm]),
  }
}

function oidcProvider(algorithm: Algorithm): Entry {
  return {
    name: `oidc-provider ${algorithm}`,
    needsSallyport: false,
    start: ({ ground }) => startOidcProvider(ground, algorithm),
  }
}

function sallyport(name: string, tenant: BenchTenant, options = { successLog: true, apps: fewApps }): Entry {
  return {
    name,
    needsSallyport: true,
    async start({ ground, dataWith }) {
      const data = await dataWith(options.apps)
      return startSallyport({ ground, data, tenant, successLog: options.successLog })
    },
  }
}

const shipped = 'Sallyport as shipped'
const quiet = 'Sallyport, no success log'
const quietly = { successLog: false, apps: fewApps }

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
    entries: [
      sallyport('Sallyport, 10 apps', 'es256'),
      sallyport('Sallyport, 1,000,000 apps', 'es256', { successLog: true, apps: manyApps }),
    ],
    goals: [
      atLeast('Sallyport, 1,000,000 apps', 0.9, 'Sallyport, 10 apps'),
      { kind: 'memory', of: 'Sallyport, 1,000,000 apps', below: 250 },
    ],
  },
  {
    kind: 'start',
    name: 'start',
    title: 'First token after `serve` starts on an existing data folder',
    atMostSeconds: 1.5,
    measure: async ({ ground, dataWith }) => secondsToFirstToken(ground, await dataWith(fewApps)),
  },
]
