/** The data folders our server is measured on: made once for each number of apps, and kept between runs if asked to. */
import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatClientSecret } from '@sallyport/protocol'
import { applyPlan } from '../../packages/server/src/blueprint/apply.ts'
import { parseBlueprints } from '../../packages/server/src/blueprint/parse.ts'
import { planBlueprints } from '../../packages/server/src/blueprint/plan.ts'
import { systemEffects } from '../../packages/server/src/effects.ts'
import { databaseFile, type OpenStore, openStore } from '../../packages/server/src/open-store.ts'
import { saveApp } from '../../packages/server/src/store/apps.ts'
import { saveCredential } from '../../packages/server/src/store/credentials.ts'
import { createDirectory } from '../../packages/server/src/tenants/directory.ts'
import {
  appSettings,
  type BenchTenant,
  benchTenants,
  blueprintText,
  resourceServerSettings,
} from './blueprint.ts'
import { type CredentialList, insertApps } from './bulk-apps.ts'
import { basicCredential } from './contestant.ts'

/** A data folder with the bench's tenants; every row that asks for as many apps shares it. */
export interface PreparedData {
  readonly apps: number
  readonly dataFolder: string
  readonly masterKey: string
  readonly credentials: Readonly<Record<BenchTenant, CredentialList>>
  /** The private key of `proverId`, an app of the tenant es256 that has no secret. */
  readonly proverKey: JsonWebKey
  /** Basic credential of the API's own app, the same in every tenant. */
  readonly resourceServer: string
}

export const proverId = 'app_bench_prover'
const resourceServerId = 'app_bench_orders_api'

/** The tenant that gets all the apps asked for; the others get a few. */
const manyAppsTenant: BenchTenant = 'es256'
const fewApps = 10

/** Raised when what is prepared changes, so that folders that `--keep` has kept are made again; moved ones are too. */
const edition = 4

interface Kept extends PreparedData {
  readonly edition: number
}

export async function prepareData(parent: string, apps: number): Promise<PreparedData> {
  const folder = join(parent, `apps-${apps}`)
  const record = join(folder, 'prepared.json')
  const kept = readKept(record)
  const isUsable = kept?.edition === edition && kept.dataFolder === dataFolderIn(folder)
  const data = isUsable ? kept : await prepareAnew(folder, record, apps)
  await readOnce(data)
  return data
}

async function prepareAnew(folder: string, record: string, apps: number): Promise<PreparedData> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const data = await prepareAt(folder, apps)
  writeFileSync(record, JSON.stringify({ ...data, edition } satisfies Kept), { mode: 0o600 })
  return data
}

/** The system then holds the file in its memory, as that of a server that has run for a day: or the disk is measured. */
async function readOnce({ dataFolder }: PreparedData): Promise<void> {
  const reading = createReadStream(databaseFile(dataFolder)).resume()
  await once(reading, 'close')
}

const dataFolderIn = (folder: string) => join(folder, 'data')

function readKept(record: string): Kept | undefined {
  try {
    return JSON.parse(readFileSync(record, 'utf8'))
  } catch {
    return undefined
  }
}

/** As it is in that folder, or in a database elsewhere whose credentials are kept in that folder. */
export async function prepareAt(
  folder: string,
  apps: number,
  databaseUrl: string | null = null,
): Promise<PreparedData> {
  const dataFolder = dataFolderIn(folder)
  const masterKey = randomBytes(32).toString('base64url')
  const location = { data_folder: dataFolder, database_url: databaseUrl, master_key: masterKey }
  const store = await openStore(location, systemEffects)
  try {
    await applyBlueprint(store)
    const lists: [BenchTenant, CredentialList][] = []
    for (const tenant of benchTenants) {
      const count = tenant === manyAppsTenant ? apps : Math.min(apps, fewApps)
      lists.push([
        tenant,
        await insertApps({ ...store, tenant, count, credentialsFile: join(folder, tenant) }),
      ])
    }
    const proverKey = await saveProver(store)
    const resourceServer = await saveResourceServers(store)
    await makeSigningKeys(store)
    return {
      ...{ apps, dataFolder, masterKey, proverKey, resourceServer },
      credentials: Object.fromEntries(lists) as PreparedData['credentials'],
    }
  } finally {
    await store.db.close()
  }
}

async function applyBlueprint({ db, hasher, sealer }: OpenStore): Promise<void> {
  const { blueprints, problems } = parseBlueprints([{ name: 'bench.yaml', text: blueprintText }])
  if (!blueprints) throw new Error(`the bench's blueprint is wrong: ${JSON.stringify(problems)}`)
  const readTextFile = () => Promise.reject(new Error('the bench reads no secrets from files'))
  const planned = await planBlueprints(db, blueprints, { hasher, environment: {}, readTextFile })
  if (!planned.plan) throw new Error(`the bench's blueprint is wrong: ${JSON.stringify(planned.problems)}`)
  await applyPlan(db, planned.plan, { hasher, sealer, random: systemEffects.random })
}

/** The client that proves itself with an assertion instead of a secret. */
async function saveProver({ db }: OpenStore): Promise<JsonWebKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const verifier = Buffer.from(JSON.stringify(publicKey.export({ format: 'jwk' })))
  await db.write(async (tx) => {
    const settings = { ...appSettings, client_authentication: ['private_key_jwt'] }
    const names = { clientId: proverId, id: 'prover', name: 'Prover', organizationId: 'org-0' }
    await saveApp(tx, 'es256', { ...names, settings })
    await saveCredential(tx, 'es256', proverId, { id: 'key', format: 'jwk', verifier, pepperVersion: null })
  })
  return privateKey.export({ format: 'jwk' })
}

async function saveResourceServers({ db, hasher }: OpenStore): Promise<string> {
  const clientSecret = formatClientSecret('live', randomBytes(32))
  const names = { clientId: resourceServerId, id: 'orders-api', name: 'Orders', organizationId: 'org-0' }
  for (const tenant of benchTenants) {
    await db.write(async (tx) => {
      await saveApp(tx, tenant, { ...names, settings: resourceServerSettings })
      const hashed = hasher.hash(tenant, resourceServerId, clientSecret)
      await saveCredential(tx, tenant, resourceServerId, { ...hashed, id: 'main' })
    })
  }
  return basicCredential(resourceServerId, clientSecret)
}

/** A tenant's key is made when it is first needed: here, so that no start is measured with it. */
async function makeSigningKeys({ db, sealer }: OpenStore): Promise<void> {
  const directory = createDirectory({ db, sealer, random: systemEffects.random, clientCacheEntries: 1 })
  for (const tenant of benchTenants) await directory.tenant(tenant)
  directory.close()
}
