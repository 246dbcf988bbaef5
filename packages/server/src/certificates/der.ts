/** A strict reader of DER (X.690), as much of it as certificates and revocation lists need. */

import { decodeUtf8 } from '@sallyport/protocol'

/** The bytes are not what they should be. Caught where a whole structure is parsed, never seen further up. */
export class MalformedDer extends Error {
  override readonly name = 'MalformedDer'
}

export const malformed = (what: string): never => {
  throw new MalformedDer(what)
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[number]` holding other elements. */
export const constructed = (number: number): number => 0xa0 | number
/** `[number]` holding bytes. */
export const primitive = (number: number): number => 0x80 | number

export interface DerElement {
  readonly tag: number
  /** Views of the bytes that were handed in, no copies. */
  readonly whole: Buffer
  readonly content: Buffer
}

/** Reads elements one after another from the content of the element around them. */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  isNext(tag: number): boolean {
    return this.#bytes[this.#at] === tag
  }

  readAny(): DerElement {
    const start = this.#at
    const tag = this.#bytes[start] ?? malformed('an element is missing')
    // X.690 §8.1.2.4: longer tags; no structure read here has one.
    if ((tag & 0x1f) === 0x1f) malformed('a tag of more bytes')
    this.#at++
    const end = this.#readLength() + this.#at
    if (end > this.#bytes.length) malformed('an element is longer than what is around it')
    const content = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return { tag, whole: this.#bytes.subarray(start, end), content }
  }

  read(tag: number): DerElement {
    if (!this.isNext(tag)) malformed(`no element with tag ${tag}`)
    return this.readAny()
  }

  readOptional(tag: number): DerElement | undefined {
    return this.isNext(tag) ? this.readAny() : undefined
  }

  /** A reader for what is in the next element. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content)
  }

  finish(): void {
    if (!this.isAtEnd) malformed('something follows the last element')
  }

  /** X.690 §10.1: the definite form in as few bytes as possible. */
  #readLength(): number {
    const first = this.#readByte()
    if (first < 0x80) return first
    const size = first & 0x7f
    if (size === 0 || size > 4) malformed('a length of no known form')
    let length = 0
    for (let index = 0; index < size; index++) length = length * 256 + this.#readByte()
    if (length < 0x80 || length < 256 ** (size - 1)) malformed('a length with needless bytes')
    return length
  }

  #readByte(): number {
    const byte = this.#bytes[this.#at] ?? malformed('a length is missing')
    this.#at++
    return byte
  }
}

/** The one element that these bytes are, with nothing before or after it. */
export function readWhole(bytes: Buffer, tag: number): DerElement {
  const reader = new DerReader(bytes)
  const element = reader.read(tag)
  reader.finish()
  return element
}

/** X.690 §11.1: true has one spelling. */
export function decodeBoolean({ content }: DerElement): boolean {
  const [byte] = content
  return content.length === 1 && (byte === 0 || byte === 0xff) ? byte === 0xff : malformed('no boolean')
}

/** X.690 §8.3.2: the bytes of an integer, checked to be as few as possible. */
export function integerBytes({ content }: DerElement): Buffer {
  const [first, second = 0] = content
  if (first === undefined) return malformed('an integer without bytes')
  const isPadded =
    content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  return isPadded ? malformed('an integer with needless bytes') : content
}

/** For the small numbers of X.509: versions, path lengths, salt lengths. */
export function decodeSmallInteger(element: DerElement): number {
  const bytes = integerBytes(element)
  const isSmall = bytes.length <= 4 && (bytes[0] ?? 0) < 0x80
  return isSmall ? bytes.readUIntBE(0, bytes.length) : malformed('an integer that is no small number')
}

/** Dotted, as people write it. */
export function decodeOid({ content }: DerElement): string {
  // Longer than any that exists: they come into log lines.
  if (content.length > 40) malformed('an object identifier of too many bytes')
  const arcs: number[] = []
  let arc = 0
  let isInside = false
  for (const byte of content) {
    if (!isInside && byte === 0x80) malformed('an object identifier with needless bytes')
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER) malformed('an object identifier beyond numbers')
    isInside = byte >= 0x80
    if (isInside) continue
    arcs.push(arc)
    arc = 0
  }
  const [first] = arcs
  if (first === undefined || isInside) return malformed('an object identifier that breaks off')
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...arcs.slice(1)].join('.')
}

/** Named bits: the first is bit 0. X.690 §11.2.2 lets trailing zero bits be left out. */
export function decodeNamedBits({ content }: DerElement): (bit: number) => boolean {
  const [unused = 8] = content
  if (unused > 7 || (content.length === 1 && unused > 0)) malformed('a bit string without its head')
  return (bit) => ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0
}

const times = {
  [tags.utcTime]: /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
  [tags.generalizedTime]: /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
}

/** RFC 5280 §4.1.2.5: seconds always, in UTC always; a two-digit year below 50 is of this century. Epoch seconds. */
export function readTime(reader: DerReader): number {
  const { tag, content } = reader.readAny()
  const pattern = tag === tags.utcTime || tag === tags.generalizedTime ? times[tag] : malformed('no time')
  const [, year = '', ...rest] = pattern.exec(content.toString('latin1')) ?? malformed('no time of RFC 5280')
  const century = year.length === 4 ? '' : Number(year) < 50 ? '20' : '19'
  const [month, day, hour, minute, second] = rest
  const text = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const milliseconds = Date.parse(text)
  // The platform lets the 30th of February pass.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== text) malformed('no such time')
  return milliseconds / 1000
}

/** The text of a string type, undefined for any other type. TeletexString is left out: nobody agrees on its letters. */
export function decodeText({ tag, content }: DerElement): string | undefined {
  switch (tag) {
    case tags.utf8String:
      return decodeUtf8(content) ?? malformed('text that is no UTF-8')
    case tags.printableString:
    case tags.numericString:
    case tags.ia5String:
      return decodeAscii(content)
    case tags.bmpString:
      return decodeUtf16(content)
    case tags.universalString:
      return decodeUtf32(content)
  }
  return undefined
}

export function decodeAscii(bytes: Buffer): string {
  for (const byte of bytes) if (byte >= 0x80) malformed('text that is not ASCII')
  return bytes.toString('latin1')
}

function decodeUtf16(bytes: Buffer): string {
  if (bytes.length % 2 !== 0) malformed('text that is no UTF-16')
  const text = Buffer.from(bytes).swap16().toString('utf16le')
  return text.isWellFormed() ? text : malformed('text that is no UTF-16')
}

function decodeUtf32(bytes: Buffer): string {
  if (bytes.length % 4 !== 0) malformed('text that is no UTF-32')
  let text = ''
  for (let at = 0; at < bytes.length; at += 4) {
    const point = bytes.readUInt32BE(at)
    if (point > 0x10ffff) malformed('text that is no UTF-32')
    text += String.fromCodePoint(point)
  }
  return text.isWellFormed() ? text : malformed('text that is no UTF-32')
}
