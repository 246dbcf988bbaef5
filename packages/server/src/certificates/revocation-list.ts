/** One certificate revocation list (RFC 5280 §5), read strictly: what is not understood is refused, never passed over. */
import type { Certificate } from './client-certificate.ts'
import {
  constructed,
  DerReader,
  decodeSmallInteger,
  integerBytes,
  MalformedDer,
  malformed,
  readTime,
  tags,
} from './der.ts'
import { canonicalName, readName } from './distinguished-name.ts'
import { readExtensionList } from './extensions.ts'
import { isSignedBy, readSigned, type Signed } from './signature.ts'

/** The list cannot be used; the message ends a sentence. */
export class RevocationListRefused extends Error {
  override readonly name = 'RevocationListRefused'
}

const refuse = (what: string): never => {
  throw new RevocationListRefused(what)
}

interface Contents {
  readonly issuer: string
  readonly thisUpdateAt: number
  readonly nextUpdateAt: number
  readonly serials: ReadonlySet<string>
}

/** A class because it remembers whose signature it bears: a list may be megabytes long. */
export class RevocationList {
  /** In the spelling in which names are compared. */
  readonly issuer: string
  readonly thisUpdateAt: number
  readonly nextUpdateAt: number
  readonly #serials: ReadonlySet<string>
  readonly #signed: Signed
  readonly #signers = new Map<string, boolean>()

  constructor({ issuer, thisUpdateAt, nextUpdateAt, serials }: Contents, signed: Signed) {
    this.issuer = issuer
    this.thisUpdateAt = thisUpdateAt
    this.nextUpdateAt = nextUpdateAt
    this.#serials = serials
    this.#signed = signed
  }

  get size(): number {
    return this.#serials.size
  }

  /** As `Certificate` has its serial. */
  has(serial: string): boolean {
    return this.#serials.has(serial)
  }

  /** RFC 5280 §6.3.3 (f), (g). Ask only with certificates that are believed: the answers are kept. */
  isFrom(authority: Certificate): boolean {
    if (authority.subject !== this.issuer || authority.keyUsage?.crlSign === false) return false
    const known = this.#signers.get(authority.thumbprintSha256)
    if (known !== undefined) return known
    const isGood = authority.publicKey !== null && isSignedBy(this.#signed, authority.publicKey)
    this.#signers.set(authority.thumbprintSha256, isGood)
    return isGood
  }
}

/** So much of a long list is read before others get their turn. */
const entriesPerTurn = 5000

/** Reads one list from DER. Throws `RevocationListRefused`. The signature and the dates are not looked at yet. */
export async function parseRevocationList(der: Buffer): Promise<RevocationList> {
  try {
    return await readList(der)
  } catch (error) {
    if (error instanceof MalformedDer) return refuse('is no revocation list in DER or PEM form')
    throw error
  }
}

async function readList(der: Buffer): Promise<RevocationList> {
  const outer = new DerReader(der)
  const { signed, contents } = readSigned(outer.enter(tags.sequence))
  outer.finish()
  const version = contents.readOptional(tags.integer)
  if (version && decodeSmallInteger(version) !== 1) malformed('a version of no revocation list')
  if (!contents.read(tags.sequence).whole.equals(signed.algorithm.whole)) malformed('two algorithms')
  const issuer = canonicalName(readName(contents.read(tags.sequence).content))
  const thisUpdateAt = readTime(contents)
  // RFC 5280 §5.1.2.5: without it a list would be good for ever.
  if (!contents.isNext(tags.utcTime) && !contents.isNext(tags.generalizedTime))
    refuse('does not say when it ends')
  const nextUpdateAt = readTime(contents)
  const entries = contents.isNext(tags.sequence) ? contents.enter(tags.sequence) : undefined
  readListExtensions(contents)
  const serials = entries ? await readEntries(entries) : new Set<string>()
  return new RevocationList({ issuer, thisUpdateAt, nextUpdateAt, serials }, signed)
}

async function readEntries(entries: DerReader): Promise<ReadonlySet<string>> {
  const serials = new Set<string>()
  for (let count = 1; !entries.isAtEnd; count++) {
    serials.add(readEntry(entries.enter(tags.sequence)))
    if (count % entriesPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return serials
}

/** The date and the reason of a revocation change nothing: listed is listed, a certificate on hold included. */
function readEntry(entry: DerReader): string {
  const serial = integerBytes(entry.read(tags.integer)).toString('latin1')
  entry.readAny()
  if (entry.isAtEnd) return serial
  for (const { isCritical } of readExtensionList(entry.enter(tags.sequence)))
    if (isCritical) refuse('has entries with extensions that are not processed here')
  entry.finish()
  return serial
}

const types = { deltaIndicator: '2.5.29.27', issuingDistributionPoint: '2.5.29.28' }

/** RFC 5280 §5.2: of a list that covers a part, or changes, nobody can say that a certificate is not in it. */
function readListExtensions(contents: DerReader): void {
  if (contents.isAtEnd) return
  const wrapper = contents.enter(constructed(0))
  contents.finish()
  const list = readExtensionList(wrapper.enter(tags.sequence))
  wrapper.finish()
  for (const { type, isCritical } of list) {
    if (type === types.deltaIndicator) refuse('holds only changes: give the complete list')
    if (type === types.issuingDistributionPoint)
      refuse('covers only a part of the certificates: give the complete list')
    if (isCritical) refuse('has an extension that is not processed here')
  }
}
