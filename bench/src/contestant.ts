/** Somebody to measure: a server process of its own that answers token requests on loopback. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scope } from './claims.ts'
import { type Ready, tlsVariable } from './contestants/ready.ts'
import type { DrawnPlan, RequestPlan } from './load-protocol.ts'
import { type Place, startChild, stopChild, untilExit } from './pinned.ts'
import type { TlsFiles } from './tls-files.ts'

export interface Contestant {
  readonly pid: number
  readonly port: number
  readonly hasTls: boolean
  readonly plan: RequestPlan
  readonly detail?: string
  /** What it wrote to stderr, for the message when it fails under load. */
  complaint(): string
  stop(): Promise<void>
}

/** One that is asked the same for every app. */
export interface DrawnContestant extends Contestant {
  readonly plan: DrawnPlan
}

/** What a contestant needs of the run: which Node, a folder that is gone afterwards, and one that may stay. */
export interface Ground {
  readonly node: string
  readonly folder: string
  /** Where prepared data folders are; they stay if the run was told to keep them. */
  readonly dataFolder: string
}

/** RFC 6749 §4.4.2 through a listed proxy that ended TLS: the same bytes for every contestant but path and credential. */
export function tokenRequest(path: string, credentialsFile: string, credentialBytes: number): DrawnPlan {
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope }).toString()
  const after = [
    '',
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
    'Accept: application/json',
    'X-Forwarded-Proto: https',
    'X-Forwarded-For: 203.0.113.7',
    '',
    body,
  ]
  return {
    before: `POST ${path} HTTP/1.1\r\nHost: bench.example\r\nAuthorization: Basic `,
    after: after.join('\r\n'),
    credentialsFile,
    credentialBytes,
  }
}

/** RFC 6749 §2.3.1: the credential as the Basic header carries it. */
export function basicCredential(clientId: string, clientSecret: string): string {
  return Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
}

export const baselineClient = {
  id: 'app_bench_000000001',
  secret: `sp_live_${'k'.repeat(43)}_1a2b3c`,
} as const

interface BaselineOptions {
  readonly tls?: TlsFiles
  readonly place?: Place
}

/** Starts one of the programs in `contestants/`, which listens on a port of its own choice and says which. */
export async function startBaseline(
  ground: Ground,
  program: string,
  programArguments: readonly string[] = [],
  options: BaselineOptions = {},
): Promise<DrawnContestant> {
  return (await startBaselineWith<Ready>(ground, program, programArguments, options)).contestant
}

/** The same of a program that has more to say than its port. */
export async function startBaselineWith<Told extends Ready>(
  ground: Ground,
  program: string,
  programArguments: readonly string[],
  { tls, place = 'contestant' }: BaselineOptions = {},
): Promise<{ readonly contestant: DrawnContestant; readonly ready: Told }> {
  const file = fileURLToPath(new URL(`./contestants/${program}.ts`, import.meta.url))
  const child = startChild({
    place,
    node: ground.node,
    arguments: [file, ...programArguments],
    ipc: true,
    ...(tls && { environment: { [tlsVariable]: JSON.stringify(tls) } }),
  })
  const [ready]: Told[] = await Promise.race([once(child.process, 'message'), untilExit(child)])
  if (!ready) throw new Error(`${program} said nothing`)
  const { port, detail } = ready
  const contestant = {
    ...{ port, pid: child.pid, hasTls: tls !== undefined, plan: baselinePlan(ground) },
    ...(detail !== undefined && { detail }),
    complaint: child.complaint,
    stop: () => stopChild(child),
  }
  return { contestant, ready }
}

export function startOidcProvider(
  ground: Ground,
  algorithm: string,
  more: readonly string[] = [],
): Promise<DrawnContestant> {
  return startBaseline(ground, 'oidc-provider', [
    algorithm,
    baselineClient.id,
    baselineClient.secret,
    ...more,
  ])
}

function baselinePlan(ground: Ground): DrawnPlan {
  const credential = basicCredential(baselineClient.id, baselineClient.secret)
  const file = join(ground.folder, 'baseline-credentials')
  writeFileSync(file, credential)
  return tokenRequest('/token', file, credential.length)
}
