// DER for all bytes there are: read back as written, in one spelling; and no signed structure survives a changed byte.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { readAlternativeNames } from '../../src/certificates/alternative-names.ts'
import { parseClientCertificate } from '../../src/certificates/client-certificate.ts'
import {
  DerReader,
  decodeNamedBits,
  decodeOid,
  decodeSmallInteger,
  decodeText,
  integerBytes,
  MalformedDer,
  readTime,
  readWhole,
  tags,
} from '../../src/certificates/der.ts'
import { decodePem } from '../../src/certificates/pem.ts'
import { parseRevocationList } from '../../src/certificates/revocation-list.ts'
import { isSignedBy } from '../../src/certificates/signature.ts'
import { der, type Issued, issue, revoke } from './issue.ts'

let authority: Issued
let leaf: Issued
before(async () => {
  authority = await issue(null, { ca: true })
  leaf = await issue(authority, { names: [{ type: 'dns', value: 'app.example' }] })
})

/** The value, or that it was refused as it should be. */
function refusable<Value>(read: () => Value): Value | 'refused' {
  try {
    return read()
  } catch (error) {
    assert.ok(error instanceof MalformedDer, String(error))
    return 'refused'
  }
}

type Tree = { readonly tag: number; readonly content: Buffer | readonly Tree[] }
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.record(
      {
        tag: fc.constantFrom(0x02, 0x04, 0x0c, 0x80, 0x9e),
        content: fc
          .oneof(
            fc.uint8Array({ maxLength: 6 }),
            fc.constantFrom(126, 127, 128, 255, 256, 65_536).map((length) => new Uint8Array(length)),
          )
          .map((bytes) => Buffer.from(bytes)),
      },
      { noNullPrototype: true },
    ),
    fc.record(
      { tag: fc.constantFrom(0x30, 0x31, 0xa0), content: fc.array(tie('tree'), { maxLength: 4 }) },
      { noNullPrototype: true },
    ),
  ),
}))
const print = ({ tag, content }: Tree): Buffer =>
  der(tag, ...(Buffer.isBuffer(content) ? [content] : content.map(print)))

function readTree(reader: DerReader): Tree {
  const { tag, content } = reader.readAny()
  if ((tag & 0x20) === 0) return { tag, content: Buffer.from(content) }
  const inner = new DerReader(content)
  const items: Tree[] = []
  while (!inner.isAtEnd) items.push(readTree(inner))
  return { tag, content: items }
}

test('X.690 §10.1: every tree of elements is read back, and what is read has one spelling', () => {
  const change = fc.option(fc.tuple(fc.nat(40), fc.nat(255)), { nil: null })
  fc.assert(
    fc.property(tree, change, (own, changed) => {
      const bytes = print(own)
      if (changed === null) return assert.deepEqual(readTree(new DerReader(bytes)), own)
      const [place, byte] = changed
      bytes[place % bytes.length] = byte
      const read = refusable(() => {
        const reader = new DerReader(bytes)
        const found = readTree(reader)
        reader.finish()
        return found
      })
      if (read !== 'refused') assert.deepEqual(print(read), bytes)
    }),
    { numRuns: 500 },
  )
})

test('X.690 §10.1: a length is written in as few bytes as it takes', () => {
  const length = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 255, 256, 65_535, 65_536))
  fc.assert(
    fc.property(length, fc.integer({ min: 1, max: 5 }), (count, size) => {
      const digits = count.toString(16).padStart(size * 2, '0')
      if (digits.length > size * 2) return
      const bytes = Buffer.concat([
        Buffer.of(0x04, 0x80 | size),
        Buffer.from(digits, 'hex'),
        Buffer.alloc(count),
      ])
      const read = refusable(() => readWhole(bytes, 0x04).content.length)
      assert.equal(read, bytes.equals(der(0x04, Buffer.alloc(count))) ? count : 'refused')
    }),
  )
})

const base128 = (arc: number): number[] =>
  arc < 128 ? [arc] : [...base128(Math.floor(arc / 128)).map((byte) => byte | 0x80), arc & 0x7f]

test('X.690 §8.3, §8.19: numbers and object identifiers are read back, and padded ones are refused', () => {
  const element = (tag: number, bytes: Uint8Array | readonly number[]) => readWhole(der(tag, bytes), tag)
  fc.assert(
    fc.property(fc.nat(), (number) => {
      const hex = number.toString(16)
      const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
      const own = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes
      assert.equal(decodeSmallInteger(element(tags.integer, own)), number)
      const padded = element(tags.integer, Buffer.concat([Buffer.alloc(1), own]))
      assert.equal(
        refusable(() => decodeSmallInteger(padded)),
        'refused',
      )
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
      const read = refusable(() => integerBytes(element(tags.integer, bytes)))
      // X.690 §8.3.2: the first nine bits are neither all zeros nor all ones.
      const [first = 0, second = 0] = bytes
      const isPadded = bytes.length > 1 && (first === 0 || first === 0xff) && first >> 7 === second >> 7
      assert.equal(read === 'refused', bytes.length === 0 || isPadded)
      const small = refusable(() => decodeSmallInteger(element(tags.integer, bytes)))
      if (small !== 'refused') assert.ok(small >= 0 && small < 2 ** 31)
    }),
  )
  const arcs = fc.tuple(fc.nat(2), fc.nat(39), fc.array(fc.maxSafeNat(), { maxLength: 3 }))
  fc.assert(
    fc.property(arcs, fc.boolean(), ([root, second, rest], isPadded) => {
      const bytes = [...base128(root * 40 + second), ...rest.flatMap(base128)]
      const text = [root, second, ...rest].join('.')
      const oid = element(tags.oid, isPadded ? [0x80, ...bytes] : bytes)
      assert.equal(
        refusable(() => decodeOid(oid)),
        isPadded ? 'refused' : text,
      )
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (one, other) => {
      const [first, second] = [one, other].map((bytes) =>
        refusable(() => decodeOid(element(tags.oid, bytes))),
      )
      if (first !== 'refused' && first === second) assert.deepEqual(one, other)
    }),
  )
})

test('RFC 5280 §4.1.2.5: every second of its years is read back from its one spelling, and no other text is a time', () => {
  const seconds = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(2049, 11, 31) / 1000 })
  const written = (at: number) => new Date(at * 1000).toISOString().replaceAll(/[-T:]|\.000/g, '')
  const read = (tag: number, text: string) => refusable(() => readTime(new DerReader(der(tag, text))))
  fc.assert(
    fc.property(seconds, fc.nat(14), fc.constantFrom('0', '9', ' ', '-', 'Z', ''), (at, place, put) => {
      assert.equal(read(tags.generalizedTime, written(at)), at)
      assert.equal(read(tags.utcTime, written(at).slice(2)), at)
      const changed = written(at).slice(0, place) + put + written(at).slice(place + 1)
      const other = read(tags.generalizedTime, changed)
      if (other !== 'refused') assert.equal(written(other), changed)
    }),
    { numRuns: 300 },
  )
  const [two, digits] = [
    (most: number) => fc.nat(most).map((value) => String(value).padStart(2, '0')),
    fc.nat(99),
  ]
  fc.assert(
    fc.property(digits, two(14), two(33), two(25), two(61), two(61), (year, ...rest) => {
      const text = `${2000 + year}${rest.join('')}Z`
      const found = read(tags.generalizedTime, text)
      if (found !== 'refused') assert.equal(written(found), text)
    }),
    { numRuns: 1000 },
  )
})

test('trust R22: no bytes make a reader of certificates throw anything but its refusal', () => {
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    tree.map(print),
  )
  fc.assert(
    fc.property(any, fc.constantFrom(...Object.values(tags)), (bytes, tag) => {
      refusable(() => readAlternativeNames(bytes))
      const element = readWhole(der(tag, bytes), tag)
      const text = refusable(() => decodeText(element))
      if (text !== undefined) assert.ok(text.isWellFormed())
      refusable(() => decodeNamedBits(element)(0))
      refusable(() => readTime(new DerReader(bytes)))
      assert.equal(parseClientCertificate(bytes), null)
    }),
    { numRuns: 500 },
  )
})

test('RFC 7468 §2: blocks are read back from text around them, and a broken one spoils all', () => {
  const block = fc.uint8Array({ minLength: 1, maxLength: 80 }).map((bytes) => Buffer.from(bytes))
  const around = fc.constantFrom(
    '',
    '\n',
    '# a comment\n',
    '-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n',
  )
  const pem = (bytes: Buffer) =>
    `-----BEGIN X-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\r\n')}\n-----END X-----\n`
  fc.assert(
    fc.property(
      fc.array(fc.tuple(around, block), { minLength: 1, maxLength: 4 }),
      fc.constantFrom('!', '=', '-----BEGIN X-----'),
      (parts, put) => {
        const text = parts.map(([before, bytes]) => before + pem(bytes)).join('')
        assert.deepEqual(
          decodePem(text, 'X'),
          parts.map(([, bytes]) => bytes),
        )
        assert.equal(decodePem(text.replace('BEGIN X-----\n', `BEGIN X-----\n${put}`), 'X'), null)
        assert.equal(decodePem(text.slice(0, text.lastIndexOf('-----END')), 'X'), null)
      },
    ),
  )
  fc.assert(fc.property(fc.string(), (text) => decodePem(text, 'X') === null))
})

test('RFC 5280 §6.1.3: of a certificate no byte can be changed without the signature being lost', () => {
  const key = authority.certificate.publicKey
  assert.ok(key && isSignedBy(leaf.certificate.signed, key))
  for (let at = 0; at < leaf.der.length; at++) {
    const changed = Buffer.from(leaf.der)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7))
    const certificate = parseClientCertificate(changed)
    assert.ok(certificate === null || !isSignedBy(certificate.signed, key), `byte ${at}`)
  }
})

test('RFC 5280 §6.3.3: of a revocation list no byte can be changed without the signature being lost', async () => {
  const { der: list } = await revoke(authority, { serials: ['0a', '0b'] })
  assert.ok((await parseRevocationList(list)).isFrom(authority.certificate))
  for (let at = 0; at < list.length; at++) {
    const changed = Buffer.from(list)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7))
    const read = await parseRevocationList(changed).catch(() => null)
    assert.ok(read === null || !read.isFrom(authority.certificate), `byte ${at}`)
  }
})
