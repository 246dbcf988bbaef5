/** `sallyport export [TENANT…]`: the tenants of the store as a blueprint, without any secret. */

import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { Value } from 'typebox/value'
import { exportStore, listExports } from '../blueprint/export-store.ts'
import { mostBlueprintBytes } from '../blueprint/yaml-source.ts'
import { ConfigRefused } from '../config.ts'
import { Identifier } from '../tenants/settings.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

interface ExportOptions extends StoreOptions {
  readonly blueprint?: string
  readonly output?: string
}

export function registerExport(command: Command): void {
  command
    .option('--output <file>', 'write a new file that only you may read; in a folder, one for each blueprint')
    .option('--blueprint <name>', 'the name of the blueprint (default: the one that made the tenants)')
  storeOptions(command).action((tenants: string[], options: ExportOptions) => writeExport(tenants, options))
}

async function writeExport(tenants: readonly string[], options: ExportOptions): Promise<void> {
  const { blueprint, output } = options
  if (blueprint !== undefined && !Value.Check(Identifier, blueprint))
    throw new ConfigRefused(
      '--blueprint is lower-case letters, digits and inner hyphens, 1 to 64 characters.',
    )
  if (output !== undefined && tenants.length === 0 && (await isFolder(output)))
    return withStore(options, ({ db }) => writeEach(db, output))
  const text = await withStore(options, ({ db }) => exportText(db, tenants, blueprint))
  if (output === undefined) process.stdout.write(text)
  else await writeNew(output, text)
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isDirectory() === true

/** A blueprint changes only what it has made, so one file of all would be refused where it comes from. */
async function writeEach(db: Parameters<typeof exportStore>[0], folder: string): Promise<void> {
  for (const { name, tenantIds } of await listExports(db))
    await writeNew(join(folder, `${name}.yaml`), await exportText(db, tenantIds, name))
}

async function exportText(
  db: Parameters<typeof exportStore>[0],
  tenants: readonly string[],
  blueprint: string | undefined,
): Promise<string> {
  const tenantIds = tenants.length === 0 ? null : tenants
  const { text, missing = [], reserved = [] } = await exportStore(db, { tenantIds, blueprint })
  if (text !== undefined && Buffer.byteLength(text) > mostBlueprintBytes)
    process.stderr.write('This is more than 1 MiB, which apply refuses: export fewer tenants at a time.\n')
  if (text !== undefined) return text
  throw new ConfigRefused(
    [
      ...missing.map((id) => `There is no tenant ${JSON.stringify(id)}.`),
      ...reserved.map((id) => `Tenant ${id} is the server's own, and stands in no blueprint.`),
    ].join('\n'),
  )
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error
    throw new ConfigRefused(`There is a file ${file} already.`)
  }
}
