/** Certificate files: read and checked at start, followed while they are renewed under us. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { stateOfFile } from '../certificates/file-state.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface TlsPair {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

export interface LoadedTls extends TlsPair {
  readonly expiresAt: number
  /** Of the files before they were read: what is written meanwhile is a change. */
  readonly state: string
}

/** The files are missing, broken or do not belong together; the message is for people. */
export class TlsRefused extends Error {
  override readonly name = 'TlsRefused'
}

/** Throws `TlsRefused`. An expired certificate is not refused: see `expiryWarning`. */
export async function loadTls(files: TlsFiles): Promise<LoadedTls> {
  const { certFile, keyFile } = files
  const state = await stateOf(files)
  const cert = await readPem(certFile, 'certificate')
  const key = await readPem(keyFile, 'private key')
  const certificate = parseCertificate(cert, certFile)
  if (!certificate.checkPrivateKey(parseKey(key, keyFile))) {
    throw new TlsRefused(`The private key in ${keyFile} does not belong to the certificate in ${certFile}.`)
  }
  checkContext(cert, key, certFile)
  return { cert, key, expiresAt: Math.floor(Date.parse(certificate.validTo) / 1000), state }
}

async function readPem(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new TlsRefused(`The TLS ${what} file ${file} ${reason}.`, { cause: error })
  }
}

function parseCertificate(pem: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new TlsRefused(`${file} holds no certificate in PEM form.`, { cause: error })
  }
}

function parseKey(pem: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new TlsRefused(`${file} holds no private key in PEM form without a passphrase.`, { cause: error })
  }
}

/** The rest of a chain is read only here. */
function checkContext(cert: Buffer, key: Buffer, file: string): void {
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw new TlsRefused(`The certificate chain in ${file} cannot be used.`, { cause: error })
  }
}

/** One sentence when the certificate is past its end, else undefined. */
export function expiryWarning(pair: LoadedTls, files: TlsFiles, now: number): string | undefined {
  if (now < pair.expiresAt) return undefined
  const day = new Date(pair.expiresAt * 1000).toISOString().slice(0, 10)
  return `The certificate in ${files.certFile} expired on ${day}: clients will refuse it until it is renewed.`
}

export interface TlsFollower {
  /** Looks at the files once; `followTls` does so at each interval. */
  check(): Promise<void>
  stop(): void
}

export interface FollowOptions {
  readonly files: TlsFiles
  /** What was read at start. */
  readonly loaded: LoadedTls
  readonly onChange: (pair: LoadedTls) => void
  /** The new files cannot be used; the old pair stays. Told once for each state of the files. */
  readonly onBroken: (sentence: string) => void
  readonly intervalMilliseconds?: number
}

const defaultIntervalMilliseconds = 10_000

/**
 * Follows the files by polling: file watchers lose renames and mounted secrets. A renewal writes two files, so for a
 * moment they do not match; the next look finds them changed again and takes them.
 */
export function followTls({
  files,
  loaded,
  onChange,
  onBroken,
  intervalMilliseconds,
}: FollowOptions): TlsFollower {
  let seen = loaded.state
  const check = async () => {
    const state = await stateOf(files)
    if (state === seen) return
    seen = state
    try {
      onChange(await loadTls(files))
    } catch (error) {
      const reason = error instanceof TlsRefused ? error.message : 'The renewed certificate cannot be used.'
      onBroken(`${reason} The certificate loaded before stays in use.`)
    }
  }
  const timer = setInterval(() => void check(), intervalMilliseconds ?? defaultIntervalMilliseconds)
  timer.unref()
  return { check, stop: () => clearInterval(timer) }
}

async function stateOf({ certFile, keyFile }: TlsFiles): Promise<string> {
  const states = await Promise.all([certFile, keyFile].map(stateOfFile))
  return states.join(' ')
}
