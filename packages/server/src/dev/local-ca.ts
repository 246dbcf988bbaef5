/**
 * A certificate authority of this one machine, for development: it can vouch for localhost and for nothing else, so
 * trusting it opens no other door.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Effects } from '../effects.ts'
import { makeFolder } from '../store/make-folder.ts'
import {
  type IssuedCertificate,
  makeLocalCa,
  makeServerCertificate,
  serverDays,
} from './local-certificates.ts'

export interface LocalCertificateOptions {
  readonly folder: string
  /** Names below localhost and loopback addresses. Each by name: a wildcard for localhost is refused by clients. */
  readonly hosts: readonly string[]
  readonly effects: Pick<Effects, 'clock' | 'random'>
}

export interface LocalCertificate {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
  /** Whether a new CA was made, which then has to be trusted anew. */
  readonly isNewCa: boolean
  /** Whether anything was made. */
  readonly created: boolean
}

export class LocalCertificateRefused extends Error {
  override readonly name = 'LocalCertificateRefused'
}

const daySeconds = 86_400
const renewalDays = 30

interface StoredPair extends IssuedCertificate {
  readonly certificate: X509Certificate
}

/** Keeps what is there while it is good; makes what is missing, broken, near its end, or lacks a host. */
export async function ensureLocalCertificate({
  folder,
  hosts,
  effects,
}: LocalCertificateOptions): Promise<LocalCertificate> {
  hosts.forEach(checkLocal)
  const files = filesIn(folder)
  const now = effects.clock()
  const knownCa = await readPair(files.caFile, files.caKeyFile)
  const isCaGood =
    knownCa !== undefined && lastsUntil(knownCa.certificate, now + (serverDays + renewalDays) * daySeconds)
  const paths = { caFile: files.caFile, certFile: files.certFile, keyFile: files.keyFile }
  if (isCaGood) {
    const server = await readPair(files.certFile, files.keyFile)
    if (server !== undefined && servesAll(server.certificate, knownCa.certificate, hosts, now)) {
      return { ...paths, isNewCa: false, created: false }
    }
  }
  makeFolder(folder)
  const ca = isCaGood ? knownCa : await makeLocalCa(effects)
  if (!isCaGood) await writePair(files.caFile, files.caKeyFile, ca)
  await writePair(files.certFile, files.keyFile, await makeServerCertificate(ca, hosts, effects))
  return { ...paths, isNewCa: !isCaGood, created: true }
}

const filesIn = (folder: string) => ({
  caFile: join(folder, 'ca.pem'),
  caKeyFile: join(folder, 'ca.key'),
  certFile: join(folder, 'server.pem'),
  keyFile: join(folder, 'server.key'),
})

const isLoopbackAddress = (host: string): boolean =>
  isIP(host) === 4 ? host.startsWith('127.') : host === '::1'

function checkLocal(host: string): void {
  const isLocalName = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*localhost$/.test(host)
  if (isLocalName || isLoopbackAddress(host)) return
  throw new LocalCertificateRefused(
    `The development certificate serves localhost only, not ${host}. Use certificate files for other hosts.`,
  )
}

/** Undefined when either file is missing or unreadable, or the two do not belong together. */
async function readPair(certFile: string, keyFile: string): Promise<StoredPair | undefined> {
  try {
    const [certPem, keyPem] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
    const certificate = new X509Certificate(certPem)
    return certificate.checkPrivateKey(createPrivateKey(keyPem))
      ? { certificate, certPem, keyPem }
      : undefined
  } catch {
    return undefined
  }
}

const lastsUntil = (certificate: X509Certificate, instant: number): boolean =>
  Date.parse(certificate.validTo) / 1000 >= instant

function servesAll(
  server: X509Certificate,
  ca: X509Certificate,
  hosts: readonly string[],
  now: number,
): boolean {
  const isOurs = server.checkIssued(ca) && server.verify(ca.publicKey)
  return (
    isOurs && lastsUntil(server, now + renewalDays * daySeconds) && hosts.every((host) => names(server, host))
  )
}

const names = (certificate: X509Certificate, host: string): boolean =>
  (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host, { wildcards: false })) !== undefined

async function writePair(
  certFile: string,
  keyFile: string,
  { certPem, keyPem }: IssuedCertificate,
): Promise<void> {
  await writeWhole(keyFile, keyPem, 0o600)
  await writeWhole(certFile, certPem, 0o644)
}

/** A crash or a second start in between leaves the old file or the new one, never half of one. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.${process.pid}.new`
  await writeFile(draft, text, { mode })
  // An old draft would have kept its own mode.
  await chmod(draft, mode)
  await rename(draft, file)
}

export interface TrustCommand {
  readonly trust: string
  readonly undo: string
}

const quoted = (path: string): string => `"${path.replaceAll(/["\\$`]/g, '\\$&')}"`

/** The one command that makes this machine's programs trust the CA, and the one that takes it back. */
export function trustCommand(
  caFile: string,
  platform: NodeJS.Platform,
  linuxFamily: 'debian' | 'fedora' = 'debian',
): TrustCommand {
  if (platform === 'darwin') {
    return {
      trust: `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${quoted(caFile)}`,
      undo: `sudo security remove-trusted-cert -d ${quoted(caFile)}`,
    }
  }
  if (platform === 'win32') {
    // By serial number: the store may hold the authorities of other checkouts under like names.
    const { serialNumber } = new X509Certificate(readFileSync(caFile))
    return {
      trust: `certutil -user -addstore Root "${caFile}"`,
      undo: `certutil -user -delstore Root ${serialNumber.toLowerCase()}`,
    }
  }
  return linuxTrust[linuxFamily](caFile)
}

const linuxTrust = {
  debian: (caFile: string) =>
    inStore(caFile, '/usr/local/share/ca-certificates/sallyport.crt', 'update-ca-certificates'),
  fedora: (caFile: string) =>
    inStore(caFile, '/etc/pki/ca-trust/source/anchors/sallyport.pem', 'update-ca-trust'),
}

const inStore = (caFile: string, place: string, update: string): TrustCommand => ({
  trust: `sudo cp ${quoted(caFile)} ${place} && sudo ${update}`,
  undo: `sudo rm ${place} && sudo ${update}`,
})
