/** An X.509 certificate as it is judged here: read once, strictly, from its DER. Nothing in it is proven yet. */
import { createHash, type KeyObject } from 'node:crypto'
import type { AlternativeNames } from './alternative-names.ts'
import {
  constructed,
  type DerReader,
  decodeSmallInteger,
  integerBytes,
  MalformedDer,
  malformed,
  primitive,
  DerReader as Reader,
  readTime,
  tags,
} from './der.ts'
import { canonicalName, type DistinguishedName, formatName, readName } from './distinguished-name.ts'
import { type Extensions, type KeyUsage, noExtensions, readExtensions } from './extensions.ts'
import { readPublicKey, readSigned, type Signed } from './signature.ts'

/** What stands between the serial number and the extensions. RFC 5280 §4.1.2. */
interface Fields {
  readonly serial: string
  readonly issuer: DistinguishedName
  readonly notBeforeAt: number
  readonly notAfterAt: number
  readonly subject: DistinguishedName
  readonly publicKeyInfo: Buffer
  readonly extensions: Extensions
}

/** A class because the key and the texts are made only when they are asked for. */
export class Certificate {
  readonly der: Buffer
  /** RFC 8705 §3.1: SHA-256 of the DER in base64url, the `x5t#S256`. */
  readonly thumbprintSha256: string
  /** The bytes of the serial number, one character each. */
  readonly serial: string
  /** In the spelling in which names are compared: see `canonicalName`. */
  readonly issuer: string
  readonly subject: string
  readonly notBeforeAt: number
  readonly notAfterAt: number
  readonly isCa: boolean
  readonly pathLength: number | null
  readonly keyUsage: KeyUsage | null
  readonly extendedKeyUsage: readonly string[] | null
  readonly names: AlternativeNames
  /** Extensions that must be understood and are not. */
  readonly unprocessed: readonly string[]
  readonly signed: Signed
  readonly #fields: Fields
  #publicKey: KeyObject | null | undefined

  constructor(der: Buffer, signed: Signed, fields: Fields) {
    const { extensions } = fields
    this.der = der
    this.thumbprintSha256 = createHash('sha256').update(der).digest('base64url')
    this.serial = fields.serial
    this.issuer = canonicalName(fields.issuer)
    this.subject = canonicalName(fields.subject)
    this.notBeforeAt = fields.notBeforeAt
    this.notAfterAt = fields.notAfterAt
    this.isCa = extensions.isCa
    this.pathLength = extensions.pathLength
    this.keyUsage = extensions.keyUsage
    this.extendedKeyUsage = extensions.extendedKeyUsage
    this.names = extensions.names
    this.unprocessed = extensions.unprocessed
    this.signed = signed
    this.#fields = fields
  }

  /** Null for a key that the platform cannot read. */
  get publicKey(): KeyObject | null {
    if (this.#publicKey === undefined) this.#publicKey = readPublicKey(this.#fields.publicKeyInfo)
    return this.#publicKey
  }

  /** RFC 4514 text, as it would be registered. */
  get subjectText(): string {
    return formatName(this.#fields.subject)
  }

  /** RFC 5280 §3.2: the same name on both sides; not yet that its own key has signed it. */
  get isSelfIssued(): boolean {
    return this.subject === this.issuer
  }
}

/** The limit stands before any reading; larger certificates exist only with keys that no TLS stack takes. */
const certificateBytes = 16_384

/** Null for anything but one X.509 certificate in DER. Throws nothing. */
export function parseClientCertificate(der: Uint8Array): Certificate | null {
  if (der.length > certificateBytes) return null
  try {
    return readCertificate(Buffer.from(der))
  } catch (error) {
    if (error instanceof MalformedDer) return null
    throw error
  }
}

function readCertificate(der: Buffer): Certificate {
  const outer = new Reader(der)
  const { signed, contents } = readSigned(outer.enter(tags.sequence))
  outer.finish()
  const version = readVersion(contents)
  const serial = integerBytes(contents.read(tags.integer)).toString('latin1')
  // RFC 5280 §4.1.1.2: the algorithm is said twice, and only once under the signature.
  if (!contents.read(tags.sequence).whole.equals(signed.algorithm.whole)) malformed('two algorithms')
  const issuer = readName(contents.read(tags.sequence).content)
  const validity = contents.enter(tags.sequence)
  const notBeforeAt = readTime(validity)
  const notAfterAt = readTime(validity)
  validity.finish()
  const subject = readName(contents.read(tags.sequence).content)
  const publicKeyInfo = contents.read(tags.sequence).whole
  const extensions = readRest(contents, version)
  return new Certificate(der, signed, {
    serial,
    issuer,
    notBeforeAt,
    notAfterAt,
    subject,
    publicKeyInfo,
    extensions,
  })
}

function readVersion(contents: DerReader): number {
  if (!contents.isNext(constructed(0))) return 1
  const reader = contents.enter(constructed(0))
  const version = decodeSmallInteger(reader.read(tags.integer)) + 1
  reader.finish()
  return version === 2 || version === 3 ? version : malformed('a version of no X.509')
}

/** Two identifiers that nobody uses, and the extensions. */
function readRest(contents: DerReader, version: number): Extensions {
  contents.readOptional(primitive(1))
  contents.readOptional(primitive(2))
  if (contents.isAtEnd) return noExtensions
  if (version !== 3) malformed('extensions before version 3')
  const wrapper = contents.enter(constructed(3))
  contents.finish()
  const extensions = wrapper.enter(tags.sequence)
  wrapper.finish()
  return readExtensions(extensions)
}

/** `parseClientCertificate` for the way of every request: what was read last is not read again. */
export function createCertificateReader(capacity = 1000): (der: Uint8Array) => Certificate | null {
  const known = new Map<string, Certificate>()
  return (der) => {
    if (der.length > certificateBytes) return null
    const thumbprint = createHash('sha256').update(der).digest('base64url')
    const found = known.get(thumbprint)
    if (found) {
      known.delete(thumbprint)
      known.set(thumbprint, found)
      return found
    }
    const certificate = parseClientCertificate(der)
    if (!certificate) return null
    if (known.size >= capacity) known.delete(known.keys().next().value ?? '')
    known.set(thumbprint, certificate)
    return certificate
  }
}
