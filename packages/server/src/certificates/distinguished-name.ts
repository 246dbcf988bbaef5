/** Distinguished names: from the DER of a certificate and from RFC 4514 text, both to one form that can be compared. */
import { decodeUtf8 } from '@sallyport/protocol'
import { attributeName, attributeType } from './attribute-types.ts'
import { DerReader, decodeOid, decodeText, MalformedDer, malformed, readWhole } from './der.ts'

export interface Attribute {
  /** Dotted. */
  readonly type: string
  /** Undefined where the value is no text, or of a kind that is not read as text. */
  readonly text: string | undefined
  /** The value with its tag; of what was written as plain text there is none. */
  readonly der: Buffer | undefined
}

/** One or more attributes; their order says nothing. */
export type RelativeName = readonly Attribute[]

/** In the order of the certificate, the widest first: RFC 4514 text has it the other way round. */
export type DistinguishedName = readonly RelativeName[]

/** The text cannot be read as a distinguished name; the message is for whoever wrote it. */
export class NameRefused extends Error {
  override readonly name = 'NameRefused'
}

const attributes = 64

/** RFC 5280 §4.1.2.4. Throws `MalformedDer`. */
export function readName(content: Buffer): DistinguishedName {
  const reader = new DerReader(content)
  const name: RelativeName[] = []
  let count = 0
  while (!reader.isAtEnd) {
    const relative = readRelativeName(reader.enter(0x31))
    count += relative.length
    if (count > attributes) malformed('a name of too many attributes')
    name.push(relative)
  }
  return name
}

function readRelativeName(reader: DerReader): RelativeName {
  const relative: Attribute[] = []
  do relative.push(readAttribute(reader.enter(0x30)))
  while (!reader.isAtEnd)
  return relative
}

function readAttribute(reader: DerReader): Attribute {
  const type = decodeOid(reader.read(0x06))
  const value = reader.readAny()
  reader.finish()
  return { type, text: decodeText(value), der: value.whole }
}

/**
 * The one spelling of all equal names, to be compared as a string. Attributes of one relative name are a set; the order
 * of the names counts. Text is compared without regard to case, to which string type holds it, and to how many spaces
 * stand between words (RFC 4517 §4.2.11); of RFC 4518 only the canonical forms of Unicode are taken as equal, not the
 * merely similar letters, since each look-alike that is taken as equal is a name that another may hold.
 */
export const canonicalName = (name: DistinguishedName): string =>
  JSON.stringify(name.map((relative) => relative.map(canonicalAttribute).sort()))

const canonicalAttribute = ({ type, text, der }: Attribute): string =>
  text === undefined ? `${type}#${der?.toString('hex')}` : `${type}=${fold(text)}`

const printable = /^[!-~]+(?: [!-~]+)*$/

const fold = (text: string): string =>
  printable.test(text)
    ? text.toLowerCase()
    : text.normalize('NFC').toLowerCase().normalize('NFC').replaceAll(/ +/g, ' ').replaceAll(/^ | $/g, '')

const longestText = 1024

/** RFC 4514 §3, with spaces allowed around the separators as most people write them. Throws `NameRefused`. */
export function parseName(text: string): DistinguishedName {
  if (text.length > longestText) refuse(`is longer than ${longestText} characters`)
  if (text.startsWith('/')) refuse('must be written as CN=app,O=Example and not with slashes')
  const parser = new TextParser(text)
  const relatives: RelativeName[] = []
  do relatives.push(parser.readRelativeName())
  while (parser.skip(','))
  parser.finish()
  return relatives.reverse()
}

const refuse = (what: string): never => {
  throw new NameRefused(what)
}

const hexPair = /[0-9a-fA-F]{2}/y
const hexString = /#((?:[0-9a-fA-F]{2})+) */y
const typePart = / *([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+) *= */y
/** RFC 4514 §3: what a backslash may stand before. */
const escapable = ' "#+,;<=>\\'
const forbidden = '";<>\0'

class TextParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  readRelativeName(): RelativeName {
    const relative: Attribute[] = []
    do relative.push(this.#readAttribute())
    while (this.skip('+'))
    return relative
  }

  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  finish(): void {
    if (this.#at !== this.#text.length) refuse('has something behind a value that does not belong there')
  }

  #readAttribute(): Attribute {
    const written = this.#take(typePart) ?? refuse('must be made of parts like CN=app, separated by commas')
    const type = attributeType(written) ?? refuse('has an attribute that is not known by name: write its OID')
    return this.#text[this.#at] === '#' ? this.#readHex(type) : this.#readText(type)
  }

  #readHex(type: string): Attribute {
    const hex = this.#take(hexString) ?? refuse('has a # that no hex digits follow')
    try {
      const der = Buffer.from(hex, 'hex')
      return { type, text: decodeText(readWhole(der, der[0] ?? 0)), der }
    } catch (error) {
      if (error instanceof MalformedDer) return refuse('has a # value that is not the DER of one value')
      throw error
    }
  }

  #readText(type: string): Attribute {
    const bytes: Buffer[] = []
    let trailingSpaces = 0
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined || character === ',' || character === '+') break
      if (forbidden.includes(character)) refuse('has a ", ;, < or > without a backslash before it')
      trailingSpaces = character === ' ' ? trailingSpaces + 1 : 0
      bytes.push(this.#readCharacter())
    }
    const value = bytes.slice(0, bytes.length - trailingSpaces)
    if (value.length === 0) refuse('has an attribute without a value')
    const text = decodeUtf8(Buffer.concat(value)) ?? refuse('has escaped bytes that are no UTF-8')
    return { type, text, der: undefined }
  }

  #readCharacter(): Buffer {
    if (!this.skip('\\')) {
      const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0)
      this.#at += character.length
      return character.isWellFormed() ? Buffer.from(character) : refuse('is no well-formed text')
    }
    const escaped = this.#text[this.#at] ?? ''
    if (escaped !== '' && escapable.includes(escaped)) {
      this.#at++
      return Buffer.from(escaped)
    }
    hexPair.lastIndex = this.#at
    const [pair] = hexPair.exec(this.#text) ?? refuse('has a backslash before something that needs none')
    this.#at += 2
    return Buffer.from(pair, 'hex')
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match) this.#at = pattern.lastIndex
    return match?.[1]
  }
}

/** RFC 4514 §2: the text that `parseName` reads as the same name. */
export const formatName = (name: DistinguishedName): string =>
  name
    .toReversed()
    .map((relative) => relative.map(formatAttribute).join('+'))
    .join(',')

function formatAttribute({ type, text, der }: Attribute): string {
  const name = attributeName(type) ?? type
  // An empty value is no text that is read back, and an unknown type is written as bytes: RFC 4514 §2.4.
  if (der && (!text || name === type)) return `${name}=#${der.toString('hex')}`
  return `${name}=${escapeValue(text ?? '')}`
}

const escapeValue = (text: string): string =>
  text
    .replaceAll(/["+,;<>\\]/g, '\\$&')
    .replaceAll(/\p{Cc}/gu, escapeBytes)
    .replaceAll(/^[# ]|(?<!^) $/g, '\\$&')

const escapeBytes = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
