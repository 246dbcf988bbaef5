/** A database in a folder of its own, and a backup of it, as a terminal makes both. */

import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { resourceServer } from '../oauth/ends.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { type Outcome, type RunOptions, run } from './processes.ts'

export const dieAtStep = new URL('./die-at-step.ts', import.meta.url).href
export const text = blueprint(tenant('acme', [app('sync'), app('other'), resourceServer]))

export interface Place {
  readonly root: string
  readonly data: string
  readonly backup: string
  sallyport(args: readonly string[], options?: RunOptions): Promise<Outcome>
}

/** A database, and a backup of it. */
export async function prepare(t: TestContext): Promise<Place> {
  const root = temporaryFolder(t)
  writeFileSync(join(root, 'blueprint.yaml'), text)
  const sallyport: Place['sallyport'] = (args, options) => run(args, { cwd: root, ...options })
  assert.equal((await sallyport(['apply', 'blueprint.yaml'])).code, 0)
  const { code, stderr } = await sallyport(['backup', 'backup.db'])
  assert.equal(`${code} ${stderr}`, '0 ')
  return { root, data: join(root, 'data'), backup: join(root, 'backup.db'), sallyport }
}

export const locationOf = (folder: string) => ({ data_folder: folder, database_url: null, master_key: null })

/** The end of the audit chain, as a database that is whole answers it. */
export async function headOf({ sallyport }: Place, folder = 'data'): Promise<string> {
  const { code, stdout, stderr } = await sallyport(['audit', 'verify', '--data', folder, '--json'])
  assert.equal(code, 0, stdout + stderr)
  return JSON.parse(stdout).head
}

export const namesIn = (folder: string) => readdirSync(folder).toSorted()
/** Without SQLite's logs, which come and go with those who read. */
export const filesIn = (folder: string) => namesIn(folder).filter((name) => !/-(?:wal|shm)$/.test(name))
