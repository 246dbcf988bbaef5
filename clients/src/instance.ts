/** A real `sallyport serve` over HTTPS with the suite's blueprint, which this process and the programs it starts trust. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { applyPlan } from '../../packages/server/src/blueprint/apply.ts'
import { parseBlueprints } from '../../packages/server/src/blueprint/parse.ts'
import { planBlueprints } from '../../packages/server/src/blueprint/plan.ts'
import { formatProblem, type Problem } from '../../packages/server/src/blueprint/problem.ts'
import { readBlueprintFiles } from '../../packages/server/src/blueprint/read-files.ts'
import { ensureLocalCertificate, type LocalCertificate } from '../../packages/server/src/dev/local-ca.ts'
import { type Effects, systemEffects } from '../../packages/server/src/effects.ts'
import { createLog } from '../../packages/server/src/http/log.ts'
import { loadTls } from '../../packages/server/src/http/tls.ts'
import { createServer } from '../../packages/server/src/main.ts'
import { type OpenStore, openStore } from '../../packages/server/src/open-store.ts'
import { askToken, freePorts, type Running, start } from '../../packages/server/test/cli/processes.ts'
import { type KeyAlgorithm, type Material, makeMaterial } from './material.ts'

/** What tokens can be signed with, and the tenant that does. */
export const signingTenants: Readonly<Record<KeyAlgorithm, string>> = {
  ES256: 'acme',
  EdDSA: 'signs-eddsa',
  PS256: 'signs-ps256',
  RS256: 'signs-rs256',
}

export const audience = 'https://api.acme.example/mcp'
/** Of the app that came from another server. */
export const imported = { clientId: 'shop+1/2%7E@example', secret: 'S3cret+of/elsewhere=100%25 & "more"' }

export interface Instance {
  readonly material: Material
  /** Path of the CA's certificate. */
  readonly ca: string
  /** For what programs need as files. */
  readonly folder: string
  issuer(tenant: string): string
  secret(tenant: string, app: string): string
  /** Issued an hour ago and past since. */
  expiredToken(algorithm: KeyAlgorithm): string
  stop(): Promise<void>
}

type Secrets = ReadonlyMap<string, string>

const blueprintFile = fileURLToPath(new URL('../blueprint.yaml', import.meta.url))

export async function startInstance(): Promise<Instance> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-clients-'))
  try {
    return await startIn(folder)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function startIn(folder: string): Promise<Instance> {
  const [port = 0, certificatePort = 0] = await freePorts(2)
  const baseUrl = new URL(`https://localhost:${port}`)
  const material = await makeMaterial(systemEffects.clock())
  const certificate = await ensureLocalCertificate({ folder, hosts: ['localhost'], effects: systemEffects })
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(certificate.caFile, 'utf8')])
  writeBlueprint(folder, material)
  const { secrets, expired } = await prepareStore(folder, baseUrl, certificate)
  const running = start(['serve'], {
    environment: {
      SALLYPORT_BASE_URL: baseUrl.origin,
      SALLYPORT_LISTEN_HOST: '127.0.0.1',
      SALLYPORT_LISTEN_PORT: `${port}`,
      SALLYPORT_TLS_CERTIFICATE_FILE: certificate.certFile,
      SALLYPORT_TLS_KEY_FILE: certificate.keyFile,
      SALLYPORT_DATA_FOLDER: join(folder, 'data'),
      SALLYPORT_MTLS_PORT: `${certificatePort}`,
    },
  })
  await running.says(/"msg":"ready"/)
  return {
    material,
    ca: certificate.caFile,
    folder,
    issuer: (tenant) => `${baseUrl.origin}/${tenant}`,
    secret: (tenant, app) => secrets.get(`${tenant}/${app}`) ?? assert.fail(`no secret of ${tenant}/${app}`),
    expiredToken: (algorithm) => expired.get(signingTenants[algorithm]) ?? assert.fail(algorithm),
    stop: () => stopAndRemove(running, folder),
  }
}

async function stopAndRemove(running: Running, folder: string): Promise<void> {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
}

function writeBlueprint(folder: string, { keys, authority, certificates }: Material): void {
  mkdirSync(join(folder, 'keys'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('clients.yaml', readFileSync(blueprintFile, 'utf8'))
  for (const { algorithm, publicJwk } of Object.values(keys)) {
    write(`keys/${algorithm.toLowerCase()}.json`, JSON.stringify(publicJwk))
  }
  write('keys/authority.pem', authority)
  write('keys/self-signed.pem', certificates['self-signed'].cert)
}

/** Applies the blueprint an hour ago, and takes a token of each signing tenant then. */
async function prepareStore(folder: string, baseUrl: URL, certificate: LocalCertificate) {
  const now = systemEffects.clock() - 3600
  const effects: Effects = { ...systemEffects, clock: () => now }
  const location = { data_folder: join(folder, 'data'), database_url: null, master_key: null }
  mkdirSync(location.data_folder)
  const store = await openStore(location, effects)
  const log = createLog({ clock: systemEffects.wallClock, level: 'silent' })
  const tls = await loadTls(certificate)
  const server = createServer({ store, effects, log, baseUrl, clientCacheEntries: 100, tls })
  try {
    await server.listen({ hosts: ['127.0.0.1'], port: Number(baseUrl.port) })
    const secrets = await applyBlueprint(store, effects, join(folder, 'clients.yaml'))
    const expired = new Map<string, string>()
    for (const tenant of Object.values(signingTenants)) {
      const credentials = ['basic', secrets.get(`${tenant}/basic`) ?? ''] as const
      const url = `${baseUrl.origin}/${tenant}/oauth2/token`
      const { text } = await askToken(url, credentials, { ca: certificate.caFile })
      expired.set(tenant, JSON.parse(text).access_token)
    }
    return { secrets, expired }
  } finally {
    await server.close()
  }
}

/** The secrets it has generated, each by `tenant/app`. */
export async function applyBlueprint(store: OpenStore, effects: Effects, file: string): Promise<Secrets> {
  const { files, problems } = await readBlueprintFiles([file])
  const parsed = parseBlueprints(files)
  if (parsed.problems) return refuse([...problems, ...parsed.problems])
  const planned = await planBlueprints(store.db, parsed.blueprints, {
    hasher: store.hasher,
    environment: { IMPORTED_SECRET: imported.secret },
    readTextFile: (path) => readFile(path, 'utf8'),
  })
  if (planned.problems) return refuse(planned.problems)
  const { generated } = await applyPlan(store.db, planned.plan, { ...effects, ...store })
  return new Map(generated.map((one) => [`${one.tenantId}/${one.appId}`, one.clientSecret]))
}

const refuse = (problems: readonly Problem[]): never => assert.fail(problems.map(formatProblem).join('\n'))
