/** `sallyport inspect` of a token or of the id of a refusal: the report for people, or as JSON. */

import type { Command } from 'commander'
import { systemEffects } from '../effects.ts'
import { findRefusalId, inspectRefusal } from '../inspect/inspect-refusal.ts'
import type { InspectDeps } from '../inspect/inspect-token.ts'
import { describeRefusal } from './describe-refusal.ts'
import { describe } from './describe-token.ts'
import { onSameStore } from './same-store.ts'
import { jsonText, readStandardInput } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

export function registerInspect(command: Command): void {
  command
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nEnds with 0 for a good token and for the id of a refusal that can be read, and with 1 for any other text.',
    )
  storeOptions(command).action(async (token: string | undefined, options: StoreOptions) => {
    const text = token ?? (await readStandardInput())
    const id = findRefusalId(text)
    if (id === null) await tellToken(text, options)
    else tellRefusal(id, options)
  })
}

/** The id of a refusal waits neither for the database's code nor for that of signatures. */
async function tellToken(text: string, options: StoreOptions): Promise<void> {
  const { inspectToken } = await import('../inspect/inspect-token.ts')
  const now = systemEffects.clock()
  const deps = ({ db, sealer }: Omit<InspectDeps, 'now'>): InspectDeps => ({ db, sealer, now })
  const report = await withStore(options, (store) => inspectToken(text, deps(store)))
  print(options.json ? report : onSameStore(describe(report, now), options))
  if (!report.isGood) process.exitCode = 1
}

/** On any machine: whoever is called at night has the id, and perhaps no way to the database. */
function tellRefusal(id: string, options: StoreOptions): void {
  const report = inspectRefusal(id)
  print(options.json ? report : onSameStore(describeRefusal(report, systemEffects.clock()), options))
  if (report.refusal === null) process.exitCode = 1
}

const print = (report: object | string): void => {
  process.stdout.write(`${typeof report === 'string' ? report : jsonText(report)}\n`)
}
