/** Runs a suite over every engine: `STORAGE=sqlite` or `STORAGE=postgres` leaves one out. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, type TestContext } from 'node:test'
import { saveApi } from '../../src/store/apis.ts'
import { saveApp } from '../../src/store/apps.ts'
import { saveCredential } from '../../src/store/credentials.ts'
import type { Database } from '../../src/store/database.ts'
import type { SchemaUse } from '../../src/store/migrations.ts'
import { saveOrganization } from '../../src/store/organizations.ts'
import { savePlan } from '../../src/store/plans.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { replaceHosts, saveTenant } from '../../src/store/tenants.ts'
import { postgresForTests } from '../postgres.ts'
import { migratedPostgres, migratedSqlite } from './migrated.ts'

export interface TestClock {
  (): number
  advance(seconds: number): void
}

export function createClock(start = 1_800_000_000): TestClock {
  let now = start
  const clock = () => now
  return Object.assign(clock, {
    advance(seconds: number) {
      now += seconds
    },
  })
}

export interface TestStore {
  readonly db: Database
  readonly clock: TestClock
  /** Another process's view: a second `Database` on the same data. */
  openAgain(): Promise<Database>
}

/** A database without a row. */
export interface EmptyStore {
  /** The file, or the URL. */
  readonly location: string
  readonly clock: TestClock
  open(schema?: SchemaUse): Promise<Database>
}

export interface StoreSuite {
  readonly engine: 'sqlite' | 'postgres'
  /** Migrated, and holding the rows of the neighbour. Closed and removed when the test ends. */
  open(t: TestContext): Promise<TestStore>
  /** Migrated. */
  prepare(t: TestContext): Promise<EmptyStore>
  prepareUnmigrated(t: TestContext): Promise<EmptyStore>
}

type Prepare = (
  t: TestContext,
  isMigrated: boolean,
) => Promise<{ location: string; openAt(clock: TestClock, schema?: SchemaUse): Promise<Database> }>

const engines: Record<StoreSuite['engine'], Prepare> = {
  async sqlite(t, isMigrated) {
    const file = join(temporaryFolder(t), 'store.db')
    if (isMigrated) writeFileSync(file, await migratedSqlite(), { mode: 0o600 })
    return {
      location: file,
      openAt: (clock, schema) => openSqlite({ file, clock, synchronous: 'off', ...schema }),
    }
  },
  async postgres(t, isMigrated) {
    const server = await postgresForTests()
    const { url, drop } = await (isMigrated ? migratedPostgres(server) : server.createDatabase())
    t.after(drop)
    // Patient: what is tested here is not how fast a busy machine is.
    const openAt = (clock: TestClock, schema?: SchemaUse) =>
      openPostgres({ url, clock, readTime: clock, poolSize: 5, timeoutMilliseconds: 30_000, ...schema })
    return { location: url, openAt }
  },
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-store-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function forEachStore(suite: (name: StoreSuite['engine'], store: StoreSuite) => void): void {
  for (const engine of ['sqlite', 'postgres'] as const) {
    if (process.env.STORAGE && process.env.STORAGE !== engine) continue
    describe(engine, () => {
      if (engine === 'postgres') after(async () => (await postgresForTests()).stop())
      suite(engine, createSuite(engine))
    })
  }
}

export function createSuite(engine: StoreSuite['engine']): StoreSuite {
  const prepare = async (t: TestContext, isMigrated: boolean) => {
    const clock = createClock()
    const opened: Database[] = []
    // Hooks run in the order of registration, so what is opened closes before its database goes.
    t.after(() => Promise.all(opened.map((db) => db.close())))
    const { location, openAt } = await engines[engine](t, isMigrated)
    const open = async (schema?: SchemaUse) => {
      const db = await openAt(clock, schema)
      opened.push(db)
      return db
    }
    return { location, clock, open }
  }
  return {
    engine,
    prepare: (t) => prepare(t, true),
    prepareUnmigrated: (t) => prepare(t, false),
    async open(t) {
      const { open, clock } = await prepare(t, true)
      const db = await open()
      await saveSampleTenant(db, 'neighbour')
      return { db, clock, openAgain: () => open() }
    },
  }
}

/** The same names in every tenant, so that a verb which forgets the tenant is caught. */
export async function saveSampleTenant(db: Database, tenantId: string): Promise<void> {
  await db.write(async (tx) => {
    await saveTenant(tx, tenantId, {
      name: `The ${tenantId}`,
      environment: 'test',
      settings: { of: tenantId },
    })
    await replaceHosts(tx, tenantId, [`${tenantId}.localhost`])
    await saveApi(tx, tenantId, {
      id: 'storage',
      audience: 'https://storage.example',
      settings: { of: tenantId },
    })
    await savePlan(tx, tenantId, { id: 'free', settings: { of: tenantId } })
    await saveOrganization(tx, tenantId, {
      id: 'acme',
      name: `Acme at ${tenantId}`,
      planId: 'free',
      settings: { of: tenantId },
    })
    await saveApp(tx, tenantId, {
      clientId: 'client-1',
      id: 'uploader',
      organizationId: 'acme',
      name: `Uploader at ${tenantId}`,
      settings: { of: tenantId },
    })
    await saveCredential(tx, tenantId, 'client-1', {
      id: 'first',
      format: 'hmac-sha256',
      verifier: Buffer.from(`verifier of ${tenantId}`),
      pepperVersion: 1,
    })
  })
}
