/** How late a deleted app is refused at fifty guards, each of which verifies its tokens without asking anybody. */
import { randomUUID } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { createGuard, type Guard, systemEffects as guardEffects } from '@sallyport/guard'
import { systemEffects } from '../../../packages/server/src/effects.ts'
import { openStore } from '../../../packages/server/src/open-store.ts'
import { createDirectory } from '../../../packages/server/src/tenants/directory.ts'
import { audience, issuer, tokenClaims } from '../claims.ts'
import type { DrawnContestant } from '../contestant.ts'
import { createManager, type Manager, makeOperator } from '../manager.ts'
import type { PreparedData } from '../prepared-data.ts'
import type { FiguresRow, Scene, Verdict } from '../row.ts'
import { startSallyport } from '../sallyport.ts'
import { createHistogram } from '../statistics.ts'

const tenant = 'es256'
const guards = 50
const mostMilliseconds = 1_000

export const deletionsRow: FiguresRow = {
  kind: 'figures',
  name: 'deletions',
  title: `From the 204 of an app's deletion until ${guards} guards at another process refuse its token`,
  async measure(scene, { rounds, seconds }) {
    // Two calls each, within the 600 that one caller has a minute; 200 at the default pace.
    return withTwo(scene, (pair) => lateness(pair, Math.min(200, Math.ceil(rounds * seconds * 20))))
  },
}

interface Pair {
  readonly manager: Manager
  readonly other: DrawnContestant
  readonly data: PreparedData
}

async function withTwo(
  { ground, dataWith }: Scene,
  use: (pair: Pair) => Promise<readonly Verdict[]>,
): Promise<readonly Verdict[]> {
  const original = await dataWith('few')
  const dataFolder = join(ground.folder, 'deletions')
  cpSync(original.dataFolder, dataFolder, { recursive: true })
  const data: PreparedData = { ...original, dataFolder }
  const start = { ground, data, tenant, successLog: true } as const
  const operator = await makeOperator(data)
  const one = await startSallyport(start)
  try {
    const other = await startSallyport(start)
    try {
      return await use({ manager: await createManager(one.port, operator), other, data })
    } finally {
      await other.stop()
    }
  } finally {
    await one.stop()
  }
}

async function lateness({ manager, other, data }: Pair, times: number): Promise<readonly Verdict[]> {
  const followers = Array.from({ length: guards }, () => follow(other.port, data.resourceServer))
  const sign = await signerOf(data)
  const [each, last] = [createHistogram(), createHistogram()]
  for (let time = 0; time < times; time++) {
    const { json, etag } = await createApp(manager, time)
    const token = await sign(json.client_id)
    for (const { guard } of followers) await mustBeLetIn(guard, token)
    const refused = followers.map((follower) => follower.refuses(token))
    await manager.call('DELETE', `/tenants/${tenant}/apps/${json.client_id}`, { ifMatch: etag })
    const deletedAt = performance.now()
    const late = (await Promise.all(refused)).map((at) => Math.max(0, at - deletedAt))
    for (const milliseconds of late) each.add(milliseconds)
    last.add(Math.max(...late))
  }
  for (const { guard } of followers) guard.close()
  const of = `of ${times} deletions at ${guards} guards`
  return [
    {
      about: 'a guard refuses',
      goal: `≤ ${mostMilliseconds} ms (p99)`,
      found: `p50 ${each.percentile(0.5).toFixed(1)} ms, p99 ${each.percentile(0.99).toFixed(1)} ms, ${of}`,
      met: each.percentile(0.99) <= mostMilliseconds,
    },
    {
      about: 'the last of them refuses',
      goal: undefined,
      found: `p50 ${last.percentile(0.5).toFixed(1)} ms, p99 ${last.percentile(0.99).toFixed(1)} ms`,
      met: true,
    },
  ]
}

const createApp = (manager: Manager, time: number) =>
  manager.call('POST', `/tenants/${tenant}/organizations/org-0/apps`, {
    body: { id: `deleted-${time}`, name: 'Deleted', scopes: {} },
  })

interface GuardFollower {
  readonly guard: Guard
  /** The instant, by `performance.now()`, at which it first refuses this token. */
  refuses(token: string): Promise<number>
}

/** Looks whenever there is news, as a request would that comes at that very moment. */
function follow(port: number, credential: string): GuardFollower {
  const [id = '', secret = ''] = Buffer.from(credential, 'base64').toString().split(':')
  const waiting = new Map<string, (at: number) => void>()
  const guard: Guard = createGuard({
    issuer: `https://bench.example/${tenant}`,
    audience,
    credentials: { id: decodeURIComponent(id), secret: decodeURIComponent(secret) },
    tokens: { issuer },
    effects: { ...guardEffects, fetch: (url, init) => guardEffects.fetch(...throughProxy(port, url, init)) },
    onRevocationState() {
      for (const [token, tell] of waiting) void look(guard, token, tell)
    },
  })
  return {
    guard,
    refuses: (token) =>
      new Promise((resolve) => {
        waiting.set(token, (at) => {
          waiting.delete(token)
          resolve(at)
        })
      }),
  }
}

async function look(guard: Guard, token: string, tell: (at: number) => void): Promise<void> {
  const { isAllowed } = await guard.check(requestWith(token))
  if (!isAllowed) tell(performance.now())
}

async function mustBeLetIn(guard: Guard, token: string): Promise<void> {
  const decision = await guard.check(requestWith(token))
  if (!decision.isAllowed) throw new Error(`a good token was refused: ${decision.reason}`)
}

const requestWith = (token: string): Request =>
  new Request(audience, { headers: { authorization: `Bearer ${token}` } })

/** The server is behind a proxy that ends TLS, as in all rows; its metadata names itself by its public URL. */
function throughProxy(port: number, url: string, init: RequestInit = {}): [string, RequestInit] {
  const { pathname, search, host } = new URL(url)
  const headers = new Headers(init.headers)
  headers.set('x-forwarded-proto', 'https')
  headers.set('x-forwarded-host', host)
  return [`http://127.0.0.1:${port}${pathname}${search}`, { ...init, headers }]
}

/** Signs as the tenant does, so that no secret is needed for an app that lives for a moment. */
async function signerOf({
  dataFolder,
  masterKey,
}: PreparedData): Promise<(clientId: string) => Promise<string>> {
  const location = { data_folder: dataFolder, master_key: masterKey, database_url: null }
  const { db, sealer } = await openStore(location, systemEffects)
  const directory = createDirectory({ db, sealer, random: systemEffects.random, clientCacheEntries: 1 })
  try {
    const found = await directory.tenant(tenant)
    if (found === null) throw new Error(`no tenant ${tenant}`)
    const { signer } = found
    const header = base64url({ alg: signer.algorithm, typ: 'at+jwt', kid: signer.kid })
    return async (clientId) => {
      const input = `${header}.${base64url(tokenClaims(clientId, randomUUID(), systemEffects.clock()))}`
      return `${input}.${await signer.sign(input)}`
    }
  } finally {
    directory.close()
    await db.close()
  }
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
