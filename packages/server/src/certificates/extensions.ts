/** The extensions of a certificate (RFC 5280 §4.2): those that are judged, and whether there are others that must be. */
import { type AlternativeNames, noAlternativeNames, readAlternativeNames } from './alternative-names.ts'
import {
  DerReader,
  decodeBoolean,
  decodeNamedBits,
  decodeOid,
  decodeSmallInteger,
  malformed,
  tags,
} from './der.ts'

export interface Extensions {
  readonly isCa: boolean
  /** How many authorities may stand between this one and a leaf; null is any number. */
  readonly pathLength: number | null
  /** Null where the certificate does not say what its key is for. */
  readonly keyUsage: KeyUsage | null
  /** Dotted; null where the certificate does not say. */
  readonly extendedKeyUsage: readonly string[] | null
  readonly names: AlternativeNames
  /** Dotted: what must be understood and is not. Name constraints count, critical or not. */
  readonly unprocessed: readonly string[]
}

export interface KeyUsage {
  readonly digitalSignature: boolean
  readonly keyCertSign: boolean
  readonly crlSign: boolean
}

export const noExtensions: Extensions = {
  isCa: false,
  pathLength: null,
  keyUsage: null,
  extendedKeyUsage: null,
  names: noAlternativeNames,
  unprocessed: [],
}

interface Extension {
  readonly type: string
  readonly isCritical: boolean
  readonly value: Buffer
}

const types = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extKeyUsage: '2.5.29.37',
} as const

const extensions = 64

/** RFC 5280 §4.1: a sequence of extensions, none of them twice. Throws `MalformedDer`. */
export function readExtensionList(reader: DerReader): readonly Extension[] {
  const list: Extension[] = []
  const seen = new Set<string>()
  while (!reader.isAtEnd) {
    const extension = readExtension(reader.enter(tags.sequence))
    if (seen.has(extension.type)) malformed('an extension that comes twice')
    if (list.length === extensions) malformed('too many extensions')
    seen.add(extension.type)
    list.push(extension)
  }
  return list
}

function readExtension(reader: DerReader): Extension {
  const type = decodeOid(reader.read(tags.oid))
  const critical = reader.readOptional(tags.boolean)
  const value = reader.read(tags.octetString).content
  reader.finish()
  return { type, isCritical: critical !== undefined && decodeBoolean(critical), value }
}

/** Throws `MalformedDer`. */
export function readExtensions(reader: DerReader): Extensions {
  const list = readExtensionList(reader)
  const find = (type: string) => list.find((extension) => extension.type === type)?.value
  const usage = find(types.keyUsage)
  const purposes = find(types.extKeyUsage)
  const names = find(types.subjectAltName)
  return {
    ...readBasicConstraints(find(types.basicConstraints)),
    keyUsage: usage ? readKeyUsage(usage) : null,
    extendedKeyUsage: purposes ? readPurposes(purposes) : null,
    names: names ? readAlternativeNames(names) : noAlternativeNames,
    unprocessed: list.filter(isUnprocessed).map(({ type }) => type),
  }
}

const processed: ReadonlySet<string> = new Set([
  types.keyUsage,
  types.subjectAltName,
  types.basicConstraints,
  types.extKeyUsage,
])

const isUnprocessed = ({ type, isCritical }: Extension): boolean =>
  type === types.nameConstraints || (isCritical && !processed.has(type))

function readBasicConstraints(value: Buffer | undefined): Pick<Extensions, 'isCa' | 'pathLength'> {
  if (!value) return { isCa: false, pathLength: null }
  const reader = enterWhole(value)
  const ca = reader.readOptional(tags.boolean)
  const pathLength = reader.readOptional(tags.integer)
  reader.finish()
  return {
    isCa: ca !== undefined && decodeBoolean(ca),
    pathLength: pathLength ? decodeSmallInteger(pathLength) : null,
  }
}

function readKeyUsage(value: Buffer): KeyUsage {
  const reader = new DerReader(value)
  const has = decodeNamedBits(reader.read(tags.bitString))
  reader.finish()
  return { digitalSignature: has(0), keyCertSign: has(5), crlSign: has(6) }
}

function readPurposes(value: Buffer): readonly string[] {
  const reader = enterWhole(value)
  const purposes: string[] = []
  do purposes.push(decodeOid(reader.read(tags.oid)))
  while (!reader.isAtEnd)
  return purposes
}

function enterWhole(value: Buffer): DerReader {
  const outer = new DerReader(value)
  const reader = outer.enter(tags.sequence)
  outer.finish()
  return reader
}
