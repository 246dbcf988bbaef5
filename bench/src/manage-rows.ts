/** What managing costs: a page of a million apps, and tokens while somebody manages all the time. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { organizationOf } from './bulk-apps.ts'
import type { DrawnContestant } from './contestant.ts'
import { createManager, type Manager, makeOperator } from './manager.ts'
import type { PreparedData } from './prepared-data.ts'
import type { FiguresRow, Scene, ThroughputRow, Verdict } from './row.ts'
import { startSallyport } from './sallyport.ts'
import { createHistogram } from './statistics.ts'

const tenant = 'es256'
const apps = `/tenants/${tenant}/apps`
const mostMilliseconds = 20

export const pagesRow: FiguresRow = {
  kind: 'figures',
  name: 'pages',
  title: 'Pages of apps over the management API, a million apps in the tenant',
  async measure({ ground, dataWith }, { rounds, seconds }) {
    const data = await dataWith('many')
    const credential = await makeOperator(data)
    const server = await startSallyport({ ground, data, tenant, successLog: true })
    try {
      const manager = await createManager(server.port, credential)
      const last = organizationOf(data.apps - 1)
      // Within the calls that one caller has a minute.
      const times = Math.min(200, Math.ceil(rounds * seconds * 20))
      return [
        await walk(manager, 'pages of 50, one after the other', `${apps}?limit=50`, times),
        await walk(
          manager,
          'pages of 50 of one organization',
          `${apps}?limit=50&organization=${last}`,
          times,
        ),
      ]
    } finally {
      await server.stop()
    }
  },
}

/** To the end and from the start again, as often as asked. */
async function walk(manager: Manager, about: string, path: string, times: number): Promise<Verdict> {
  const latencies = createHistogram()
  let cursor: string | null = null
  for (let time = 0; time < times; time++) {
    const startedAt = performance.now()
    const page = await manager.call('GET', cursor === null ? path : `${path}&cursor=${cursor}`)
    latencies.add(performance.now() - startedAt)
    cursor = page.json.next_cursor
  }
  const p99 = latencies.percentile(0.99)
  return {
    about,
    goal: `≤ ${mostMilliseconds} ms (p99)`,
    found: `p50 ${latencies.percentile(0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, of ${times}`,
    met: p99 <= mostMilliseconds,
  }
}

const quiet = 'Sallyport, many apps'
const managed = 'Sallyport, many apps, managed'

/** Data of its own for each: who manages one must not wake the other. */
export const managedRow: ThroughputRow = {
  kind: 'throughput',
  name: 'managed',
  title:
    'Tokens while somebody lists, changes and makes apps all the time (9 calls a second), a million apps',
  entries: [
    { name: quiet, start: startQuiet },
    { name: managed, start: startManaged },
  ],
  goals: [{ kind: 'ratio', of: managed, to: quiet, atLeast: () => 0.95 }],
}

async function startQuiet({ ground, dataWith }: Scene): Promise<DrawnContestant> {
  return startSallyport({ ground, data: await dataWith('many'), tenant, successLog: true })
}

async function startManaged({ ground, dataWith }: Scene): Promise<DrawnContestant> {
  const original = await dataWith('many')
  const dataFolder = join(ground.folder, 'managed')
  cpSync(original.dataFolder, dataFolder, { recursive: true })
  const data: PreparedData = { ...original, dataFolder }
  const credential = await makeOperator(data)
  const server = await startSallyport({ ground, data, tenant, successLog: true })
  const stopManaging = manageOn(await createManager(server.port, credential))
  return {
    ...server,
    async stop() {
      await stopManaging()
      await server.stop()
    },
  }
}

// Under the 600 that a caller has a minute.
const millisecondsBetweenCalls = 111

/** Lists, changes and makes in turn until it is stopped. */
function manageOn(manager: Manager): () => Promise<void> {
  let isStopped = false
  const going = (async () => {
    for (let turn = 0; !isStopped; turn++) {
      await manageOnce(manager, turn)
      await new Promise((resolve) => setTimeout(resolve, millisecondsBetweenCalls))
    }
  })()
  return async () => {
    isStopped = true
    await going
  }
}

async function manageOnce(manager: Manager, turn: number): Promise<void> {
  if (turn % 3 === 0) {
    await manager.call('GET', `${apps}?limit=50`)
  } else if (turn % 3 === 1) {
    const body = { id: `made-${process.pid}-${turn}`, name: 'Made', scopes: {} }
    await manager.call('POST', `/tenants/${tenant}/organizations/org-0/apps`, { body })
  } else {
    const path = `/tenants/${tenant}/organizations/org-0`
    const { etag } = await manager.call('GET', path)
    await manager.call('PATCH', path, { body: { name: `Changed ${turn}` }, ifMatch: etag })
  }
}
