/** Revocation lists in files: loaded at start, followed while they are renewed, and never failing open. */
import { readFile, stat } from 'node:fs/promises'
import { clockSkewSeconds } from '@sallyport/protocol'
import type { Certificate } from './client-certificate.ts'
import { stateOfFile } from './file-state.ts'
import { decodePem } from './pem.ts'
import { parseRevocationList, type RevocationList, RevocationListRefused } from './revocation-list.ts'

/** Whether an authority has revoked a certificate, as far as the lists tell. `unknown` must be treated as revoked. */
export type RevocationVerdict =
  | { readonly status: 'good' | 'revoked' }
  | { readonly status: 'unknown'; readonly reason: string }

export interface RevocationLists {
  /** `issuer` is the certificate that `certificate` was found to be issued by. */
  isRevoked(certificate: Certificate, issuer: Certificate, now: number): RevocationVerdict
}

export interface RevocationFollower extends RevocationLists {
  /** Looks at the files once; done by itself at each interval. */
  check(): Promise<void>
  stop(): void
}

export interface FollowOptions {
  readonly files: readonly string[]
  readonly clock: () => number
  /** The lists of a changed file are in use. */
  readonly onRenewed?: (file: string) => void
  /** A file cannot be used any more: what its authorities have issued is refused until it can. Told once a change. */
  readonly onBroken: (sentence: string) => void
  readonly intervalMilliseconds?: number
}

interface ListFile {
  readonly file: string
  readonly state: string
  /** Empty while the file cannot be used. */
  readonly lists: readonly RevocationList[]
  /** Whose lists it has held, for as long as the file is followed. */
  readonly issuers: ReadonlySet<string>
  readonly isBroken: boolean
}

const defaultIntervalMilliseconds = 10_000
const fileBytes = 64 * 1024 * 1024

/** Loads the files and follows them by polling, as TLS files are. Throws `RevocationListRefused`: do not start then. */
export async function followRevocationLists(options: FollowOptions): Promise<RevocationFollower> {
  const { files, clock, intervalMilliseconds } = options
  let held: readonly ListFile[] = []
  for (const file of files) held = [...held, await loadFile(file, clock())]
  let running: Promise<void> | undefined
  const look = async () => {
    held = await Promise.all(held.map((each) => renewFile(each, options)))
  }
  const check = () => {
    // A long list may take longer to read than the interval.
    running ??= look().finally(() => {
      running = undefined
    })
    return running
  }
  const timer = setInterval(() => void check(), intervalMilliseconds ?? defaultIntervalMilliseconds)
  timer.unref()
  return {
    isRevoked: (certificate, issuer, now) => judge(held, certificate, issuer, now),
    check,
    stop: () => clearInterval(timer),
  }
}

/** At start an expired list is refused as well: whoever starts a server is there to renew it. */
async function loadFile(file: string, now: number): Promise<ListFile> {
  const state = await stateOfFile(file)
  const lists = await readLists(file)
  const expired = lists.find(({ nextUpdateAt }) => now >= nextUpdateAt)
  if (expired) {
    const day = new Date(expired.nextUpdateAt * 1000).toISOString().slice(0, 10)
    throw new RevocationListRefused(
      `The revocation list in ${file} ended on ${day}: put the current one there.`,
    )
  }
  return { file, state, lists, issuers: issuersOf(lists), isBroken: false }
}

/** A broken file is read again at each look, so that half a file found while it was written does not stay. */
async function renewFile(before: ListFile, { onRenewed, onBroken }: FollowOptions): Promise<ListFile> {
  const { file } = before
  const state = await stateOfFile(file)
  if (state === before.state && !before.isBroken) return before
  try {
    const lists = await readLists(file)
    onRenewed?.(file)
    return { file, state, lists, issuers: before.issuers.union(issuersOf(lists)), isBroken: false }
  } catch (error) {
    if (state !== before.state)
      onBroken(`${sentenceOf(error, file)} What its authority has issued is refused.`)
    return { file, state, lists: [], issuers: before.issuers, isBroken: true }
  }
}

const sentenceOf = (error: unknown, file: string): string =>
  error instanceof RevocationListRefused ? error.message : `The revocation list file ${file} cannot be used.`

const issuersOf = (lists: readonly RevocationList[]): ReadonlySet<string> =>
  new Set(lists.map(({ issuer }) => issuer))

async function readLists(file: string): Promise<readonly RevocationList[]> {
  const bytes = await readBytes(file)
  // PEM has text around it at most; DER begins with a sequence.
  const blocks = bytes[0] === 0x30 ? [bytes] : decodePem(bytes.toString('latin1'), 'X509 CRL')
  if (!blocks) throw new RevocationListRefused(`${file} holds no revocation list in DER or PEM form.`)
  const lists: RevocationList[] = []
  for (const block of blocks) lists.push(await parseFrom(file, block))
  return lists
}

async function parseFrom(file: string, der: Buffer): Promise<RevocationList> {
  try {
    return await parseRevocationList(der)
  } catch (error) {
    if (!(error instanceof RevocationListRefused)) throw error
    throw new RevocationListRefused(`The revocation list in ${file} ${error.message}.`, { cause: error })
  }
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    if ((await stat(file)).size <= fileBytes) return await readFile(file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new RevocationListRefused(`The revocation list file ${file} ${reason}.`, { cause: error })
  }
  throw new RevocationListRefused(`The revocation list file ${file} is larger than 64 MiB.`)
}

const unknown = (reason: string): RevocationVerdict => ({ status: 'unknown', reason })

/**
 * RFC 5280 §6.3.3, for complete lists from the issuer itself. Any list of the authority that has the serial counts, even
 * one that has ended; that a certificate is not in it counts only of a list in force.
 */
function judge(
  held: readonly ListFile[],
  certificate: Certificate,
  issuer: Certificate,
  now: number,
): RevocationVerdict {
  const files = held.filter(({ issuers }) => issuers.has(issuer.subject))
  if (files.length === 0) return unknown('no revocation list of its authority is there')
  const lists = files.flatMap((file) => file.lists).filter((list) => list.issuer === issuer.subject)
  const own = lists.filter((list) => list.isFrom(issuer))
  if (own.some((list) => list.has(certificate.serial))) return { status: 'revoked' }
  if (own.some((list) => isInForce(list, now))) return { status: 'good' }
  if (own.length > 0) return unknown('the revocation list of its authority has ended or not begun')
  return lists.length > 0
    ? unknown('the revocation list of its authority is not signed by it')
    : unknown('the revocation list of its authority cannot be read')
}

const isInForce = ({ thisUpdateAt, nextUpdateAt }: RevocationList, now: number): boolean =>
  thisUpdateAt <= now + clockSkewSeconds && now < nextUpdateAt

/**
 * Why a path that `leadsTo` has found is not good after all, for the log; null where nothing in it is revoked. Every
 * authority in the path needs a list: one that is missing is never read as "nothing revoked".
 */
export function revocationProblem(
  lists: RevocationLists,
  path: readonly Certificate[],
  now: number,
): string | null {
  for (const [depth, certificate] of path.entries()) {
    const issuer = path[depth + 1]
    const verdict = issuer && lists.isRevoked(certificate, issuer, now)
    if (!verdict || verdict.status === 'good') continue
    const place = depth === 0 ? 'the client certificate' : `certificate ${depth} above the client certificate`
    return 'reason' in verdict ? `${place}: ${verdict.reason}` : `${place} is revoked`
  }
  return null
}
