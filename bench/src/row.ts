/** What a row of the bench is: who is compared in it, on what ground, and which goals stand between them. */
import type { Contestant, Ground } from './contestant.ts'
import { type PreparedData, prepareData } from './prepared-data.ts'
import type { Pace } from './rounds.ts'
import type { Ratio } from './statistics.ts'
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
  /** What two processes of one contestant gain over one of it, beside what the other contestant gains. */
  | { readonly kind: 'gain'; readonly of: Steps; readonly beside: Steps; readonly atLeast: number }

/** The names of a contestant with one process, and of the same with two. */
export interface Steps {
  readonly one: string
  readonly two: string
}

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

/** Measures in a way of its own, such as how late something is known, and says what it found. */
export interface FiguresRow {
  readonly kind: 'figures'
  readonly name: string
  readonly title: string
  measure(scene: Scene, pace: Pace): Promise<readonly Verdict[]>
}

export type Row = ThroughputRow | StartRow | FiguresRow

export interface Verdict {
  readonly about: string
  /** Undefined for a figure that has none. */
  readonly goal: string | undefined
  readonly found: string
  readonly met: boolean
  readonly ratio?: Ratio
  readonly ratioPerCpuSecond?: Ratio
}

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
