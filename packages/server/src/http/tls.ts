/** Certificate files: read and checked at start, followed while they are renewed under us. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { stateOfFile } from '../certificates/file-state.ts'
import { decodePem } from '../certificates/pem.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface TlsPair {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

interface Validity {
  readonly startsAt: number
  readonly expiresAt: number
}

export interface LoadedTls extends TlsPair {
  /** As clients are shown it: the server's own certificate first. */
  readonly chain: readonly Validity[]
  /** When the first of the chain ends: clients refuse all of it then. */
  readonly expiresAt: number
  /** Of the files before they were read: what is written meanwhile is a change. */
  readonly state: string
}

/** The files are missing, broken or do not belong together; the message is for people. */
export class TlsRefused extends Error {
  override readonly name = 'TlsRefused'
}

/** Throws `TlsRefused`. An expired certificate is not refused: see `validityWarning`. */
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
  const chain = [certificate, ...othersIn(cert)].map(validityOf)
  return { cert, key, chain, expiresAt: Math.min(...chain.map((each) => each.expiresAt)), state }
}

const othersIn = (cert: Buffer): X509Certificate[] =>
  (decodePem(cert.toString('latin1'), 'CERTIFICATE') ?? []).slice(1).map((der) => new X509Certificate(der))

const validityOf = ({ validFrom, validTo }: X509Certificate): Validity => ({
  startsAt: secondsOf(validFrom),
  expiresAt: secondsOf(validTo),
})

const secondsOf = (date: string): number => Math.floor(Date.parse(date) / 1000)

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

const daySeconds = 86_400
const instantOf = (seconds: number): string => new Date(seconds * 1000).toISOString()
const dayOf = (seconds: number): string => instantOf(seconds).slice(0, 'yyyy-mm-dd'.length)
const minuteOf = (seconds: number): string => `${instantOf(seconds).slice(0, 'yyyy-mm-ddThh:mm'.length)}Z`

/** One sentence while clients refuse the certificate or soon will, else undefined. It changes when it is worth repeating. */
export function validityWarning(
  { chain }: Pick<LoadedTls, 'chain'>,
  { certFile }: Pick<TlsFiles, 'certFile'>,
  now: number,
): string | undefined {
  const warnings = chain.map((validity, index) => {
    const name = index === 0 ? 'The certificate' : `Certificate ${index + 1} of the chain`
    return { ...validity, sentence: warningOf(`${name} in ${certFile}`, validity, now) }
  })
  const told = warnings.filter(({ sentence }) => sentence !== undefined)
  return told.sort((one, other) => one.expiresAt - other.expiresAt)[0]?.sentence
}

function warningOf(certificate: string, { startsAt, expiresAt }: Validity, now: number): string | undefined {
  if (now >= expiresAt)
    return `${certificate} expired on ${dayOf(expiresAt)}: clients will refuse it until it is renewed.`
  if (now < startsAt)
    return `${certificate} is not valid before ${minuteOf(startsAt)}: clients will refuse it until then.`
  // What lives for days is renewed in its last days, and that is no news.
  const isWithin = (days: number) =>
    expiresAt - now <= Math.min(days * daySeconds, (expiresAt - startsAt) / 6)
  if (isWithin(1)) return `${certificate} expires within a day, at ${minuteOf(expiresAt)}: renew it.`
  return isWithin(14) ? `${certificate} expires on ${dayOf(expiresAt)}: renew it.` : undefined
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
  readonly clock: () => number
  readonly onChange: (pair: LoadedTls) => void
  /**
   * New files cannot be used, and the old pair stays; or the pair in use ends soon, has ended or is not valid yet. Each
   * is told once.
   */
  readonly onWarning: (sentence: string) => void
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
  clock,
  onChange,
  onWarning,
  intervalMilliseconds,
}: FollowOptions): TlsFollower {
  let seen = loaded.state
  let held = loaded
  let refused: string | undefined
  let told: string | undefined
  const takeChanged = async () => {
    const state = await stateOf(files)
    if (state === seen) return
    try {
      const pair = await loadTls(files)
      onChange(pair)
      held = pair
      // What was read while it was written may look the same when it is whole, so until then it is read at each look.
      seen = state
      refused = undefined
    } catch (error) {
      const reason = error instanceof TlsRefused ? error.message : 'The renewed certificate cannot be used.'
      if (reason !== refused) onWarning(`${reason} The certificate loaded before stays in use.`)
      refused = reason
    }
  }
  const tellOfValidity = () => {
    const warning = validityWarning(held, files, clock())
    if (warning !== undefined && warning !== told) onWarning(warning)
    told = warning
  }
  const check = async () => {
    await takeChanged()
    tellOfValidity()
  }
  tellOfValidity()
  const timer = setInterval(() => void check(), intervalMilliseconds ?? defaultIntervalMilliseconds)
  timer.unref()
  return { check, stop: () => clearInterval(timer) }
}

async function stateOf({ certFile, keyFile }: TlsFiles): Promise<string> {
  const states = await Promise.all([certFile, keyFile].map(stateOfFile))
  return states.join(' ')
}
