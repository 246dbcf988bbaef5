/** A tenant with clients known by their certificates, in a database of its own, served by the command as operators run it. */

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext } from 'node:test'
import { ensureLocalCertificate, type LocalCertificate } from '../../src/dev/local-ca.ts'
import { systemEffects } from '../../src/effects.ts'
import { clientAuth, daySeconds, type Issued, type IssueOptions, issue } from '../certificates/issue.ts'
import { issueForRobot, type RobotCertificates, robotName } from '../certificates/robot.ts'
import { blueprint, type Part, proving, tenant } from '../oauth/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { type Running, run, startFor } from './processes.ts'

/** Around the real time: these certificates meet programs whose clock is not ours. */
export function issueToday(issuer: Issued | null, options: IssueOptions): Promise<Issued> {
  const now = systemEffects.clock()
  return issue(issuer, { notBeforeAt: now - daySeconds, notAfterAt: now + daySeconds, ...options })
}

export interface Prepared extends RobotCertificates {
  readonly folder: string
  readonly server: LocalCertificate
  readonly ca: string
  /** Of the same authority, and registered by nobody. */
  readonly stranger: Issued
  readonly expired: Issued
}

/** One for all tests of a file; what it gives is there once they run. */
export function usePrepared(): () => Prepared {
  let prepared: Prepared | undefined
  before(async () => {
    prepared = await prepare()
  })
  after(() => prepared && rmSync(prepared.folder, { recursive: true }))
  return () => prepared ?? assert.fail('nothing has been prepared')
}

async function prepare(): Promise<Prepared> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-mtls-'))
  const server = await ensureLocalCertificate({
    folder: join(folder, 'tls'),
    hosts: ['localhost', '127.0.0.1'],
    effects: systemEffects,
  })
  const certificates = await issueForRobot(issueToday)
  const { authority } = certificates
  const purposes = [clientAuth]
  const ended = { notBeforeAt: systemEffects.clock() - 200, notAfterAt: systemEffects.clock() - 100 }
  const prepared = {
    ...{ ...certificates, folder, server },
    ca: readFileSync(server.caFile, 'utf8'),
    stranger: await issueToday(authority, { name: 'CN=stranger', purposes }),
    expired: await issueToday(authority, { name: robotName, purposes, ...ended }),
  }
  await applyClients(prepared)
  return prepared
}

async function applyClients({ folder, authority, leaf, selfSigned }: Omit<Prepared, 'ca'>): Promise<void> {
  const known = (id: string, method: string, certificate: Part) =>
    proving(id, method, { certificate }, { sender_constraint: 'mtls' })
  const apps = [
    known('robot', 'tls_client_auth', { subject_dn: leaf.certificate.subjectText }),
    known('pinned', 'self_signed_tls_client_auth', { sha256: selfSigned.certificate.thumbprintSha256 }),
  ]
  const file = join(folder, 'acme.yaml')
  writeFileSync(file, blueprint(tenant('acme', apps, { certificate_authorities: [authority.pem] })))
  const { code, stderr } = await run(['apply', file, '--data', join(folder, 'data')])
  assert.equal(code, 0, stderr)
}

/** The operator's manual. */
export const operations = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')

/** A configuration file with data of its own. */
export function configure(
  t: TestContext,
  { folder, server }: Prepared,
  settings: Readonly<Record<string, unknown>>,
): string {
  const own = temporaryFolder(t)
  cpSync(join(folder, 'data'), join(own, 'data'), { recursive: true })
  const tls = { tls_certificate_file: server.certFile, tls_key_file: server.keyFile }
  const all = {
    ...{ base_url: 'https://localhost', listen_host: '127.0.0.1', data_folder: join(own, 'data') },
    ...('proxies' in settings ? {} : tls),
    ...settings,
  }
  const file = join(own, 'sallyport.yaml')
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
  writeFileSync(file, lines.join(''))
  return file
}

export async function serve(
  t: TestContext,
  prepared: Prepared,
  settings: Readonly<Record<string, unknown>>,
): Promise<Running> {
  const running = startFor(t, ['serve', '--config', configure(t, prepared, settings)])
  await running.says(/"msg":"ready"/)
  return running
}

export const logLines = (running: Running): Readonly<Record<string, unknown>>[] =>
  running
    .stdout()
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line))
