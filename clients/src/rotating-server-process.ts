/**
 * The process of `rotating-server.ts`: a server over HTTPS in a folder, whose clock stands still until it is told to go
 * on. Weeks of a key's life pass in seconds this way, with the published intervals as they are.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureLocalCertificate } from '../../packages/server/src/dev/local-ca.ts'
import { type Effects, systemEffects } from '../../packages/server/src/effects.ts'
import { createLog } from '../../packages/server/src/http/log.ts'
import { loadTls } from '../../packages/server/src/http/tls.ts'
import { replaceAtOnce } from '../../packages/server/src/keys/emergency.ts'
import { createKeyRotation, startRotation } from '../../packages/server/src/keys/rotation.ts'
import { createServer } from '../../packages/server/src/main.ts'
import { openStore } from '../../packages/server/src/open-store.ts'
import { app, blueprint, tenant } from '../../packages/server/test/oauth/sample.ts'
import { applyBlueprint } from './instance.ts'

export interface Command {
  readonly work: 'advance' | 'rotate' | 'replace at once'
  readonly seconds?: number
}

export interface Ready {
  readonly ca: string
  readonly secret: string
}

export interface Done {
  /** Epoch seconds of its clock. */
  readonly now: number
}

const [folder = '', port = ''] = process.argv.slice(2)
const lifetime = { access_token_seconds: 900, maximum_access_token_seconds: 900 }
const declared = blueprint(tenant('acme', [app('sync', { client_id: 'sync' })], lifetime))

let now = systemEffects.clock()
const effects: Effects = { ...systemEffects, clock: () => now }
const data = join(folder, 'data')
mkdirSync(data)
const store = await openStore({ data_folder: data, database_url: null, master_key: null }, effects)
writeFileSync(join(folder, 'acme.yaml'), declared)
const secrets = await applyBlueprint(store, effects, join(folder, 'acme.yaml'))
const certificate = await ensureLocalCertificate({ folder, hosts: ['localhost'], effects: systemEffects })
const server = createServer({
  ...{ store, effects, clientCacheEntries: 100, baseUrl: new URL(`https://localhost:${port}`) },
  log: createLog({ clock: systemEffects.wallClock, level: 'silent' }),
  tls: await loadTls(certificate),
})
await server.listen({ hosts: ['127.0.0.1'], port: Number(port) })

const deps = { ...store, ...effects, onEvent: () => {} }
const rotation = createKeyRotation({
  ...deps,
  onFailure(error) {
    throw error
  },
})

async function carryOut({ work, seconds = 0 }: Command): Promise<Done> {
  now += seconds
  // Before anybody is answered: the database has not been silent for so long, and tokens are none of an outage.
  await store.db.changes.catchUp()
  if (work === 'rotate') await startRotation(deps, 'acme')
  if (work === 'replace at once') await replaceAtOnce(deps, 'acme', {})
  // The server's own timer does it every minute, of the machine's clock.
  await rotation.work()
  await store.db.changes.catchUp()
  return { now }
}

const tell = (message: Ready | Done) => process.send?.(message)
process.on('message', (command: Command) => void carryOut(command).then(tell))
process.on('disconnect', () => process.exit())
tell({ ca: certificate.caFile, secret: secrets.get('acme/sync') ?? '' })
