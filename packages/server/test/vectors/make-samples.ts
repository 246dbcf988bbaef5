/**
 * Writes the vectors of our own in samples/: `node packages/server/test/vectors/make-samples.ts`, then format them.
 *
 * The keys are new each time and belong to nobody. Wycheproof's own files have much more; these make sure that the
 * loader always has something of every kind to run.
 */

import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { signJws } from './front-door.ts'
import { type Tampered, tamperings } from './tampering.ts'
import type { Members, Result } from './wycheproof.ts'

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const jwkOf = (key: KeyObject): Members => ({ ...key.export({ format: 'jwk' }) })
const hexOf = (value: unknown): string => Buffer.from(String(value), 'base64url').toString('hex')
/** As the format writes numbers: with a zero in front where the first bit is set. */
const numberOf = (value: unknown): string => hexOf(value).replace(/^(?=[89a-f])/, '00')

let tests = 0
const number = () => ++tests

function write(name: string, schema: string, groups: readonly Members[]): void {
  const counted = groups.map((group) => ({ ...group, tests: (group.tests as Members[]).map(withNumber) }))
  const numberOfTests = tests
  tests = 0
  const header = ['Written by make-samples.ts, in the form of the files of Wycheproof.']
  const file = { schema, numberOfTests, header, testGroups: counted }
  writeFileSync(new URL(`samples/${name}.json`, import.meta.url), `${JSON.stringify(file, null, 2)}\n`)
}

const withNumber = (test: Members): Members => ({ tcId: number(), ...test })

// With a byte that is no ASCII, which no JWS has and some reader may change.
const message = Buffer.from('Sallyport \xff', 'latin1')

/** A good signature, the same over another message, and all that can be done to it. */
function bytesTests(
  algorithm: string,
  { privateKey }: Pair,
  written: (signature: Buffer) => Buffer = (signature) => signature,
): Members[] {
  const signature = signJws(algorithm, jwkOf(privateKey), message)
  const test = (comment: string, text: Buffer, bytes: Buffer, result: Result) => ({
    ...{ comment, flags: [], msg: text.toString('hex'), sig: bytes.toString('hex'), result },
  })
  return [
    test('good', message, written(signature), 'valid'),
    test('of another message', Buffer.from('sallyport'), written(signature), 'invalid'),
    ...tamperings({ algorithm, privateKey, message, signature }).map((one) =>
      test(one.comment, message, written(one.signature), one.result),
    ),
  ]
}

const oneTest = (comment: string, signature: Buffer, result: Result): Members => ({
  ...{ comment, flags: [], msg: message.toString('hex'), sig: signature.toString('hex'), result },
})

const ecPair = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve })
const rsaPair = (modulusLength: number, publicExponent = 0x10001): Pair =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent })

function ecGroup(type: string, curve: string, sha: string, { publicKey }: Pair, list: readonly Members[]) {
  const { x, y } = jwkOf(publicKey)
  const point = { type: 'EcPublicKey', curve, uncompressed: `04${hexOf(x)}${hexOf(y)}` }
  return { type, publicKey: point, sha, tests: list }
}

function rsaGroup(type: string, { publicKey, privateKey }: Pair, more: Members, list: readonly Members[]) {
  const { n, e } = jwkOf(publicKey)
  const numbers = { modulus: numberOf(n), publicExponent: numberOf(e) }
  return { type, publicKey: numbers, privateKeyJwk: jwkOf(privateKey), ...more, tests: list }
}

/** X.690: the numbers of a signature as the other files of ECDSA have them. */
function toDer(signature: Buffer): Buffer {
  const half = signature.length >> 1
  const element = (tag: number, content: Buffer) => Buffer.concat([Buffer.of(tag, content.length), content])
  const integer = (bytes: Buffer) => {
    const digits = bytes.toString('hex').replace(/^(?:00)+(?=..)/, '')
    return element(2, Buffer.from(digits.replace(/^(?=[89a-f])/, '00'), 'hex'))
  }
  return element(
    0x30,
    Buffer.concat([integer(signature.subarray(0, half)), integer(signature.subarray(half))]),
  )
}

function ecdsa(): void {
  const [p256, p384, k256] = [ecPair('P-256'), ecPair('P-384'), ecPair('secp256k1')]
  const p1363 = (hash: string, { privateKey: key }: Pair) =>
    sign(hash, message, { key, dsaEncoding: 'ieee-p1363' })
  write('ecdsa-p1363', 'ecdsa_p1363_verify_schema_v1.json', [
    ecGroup('EcdsaP1363Verify', 'secp256r1', 'SHA-256', p256, bytesTests('ES256', p256)),
    ecGroup('EcdsaP1363Verify', 'secp384r1', 'SHA-384', p384, bytesTests('ES384', p384)),
    ecGroup('EcdsaP1363Verify', 'secp256r1', 'SHA-512', p256, [
      oneTest('good, and no algorithm of JOSE', p1363('sha512', p256), 'valid'),
    ]),
    ecGroup('EcdsaP1363Verify', 'secp256k1', 'SHA-256', k256, [
      oneTest('good, on a curve that is not ours', p1363('sha256', k256), 'valid'),
    ]),
  ])
  const good = toDer(signJws('ES256', jwkOf(p256.privateKey), message))
  const sameLength = bytesTests('ES256', p256).filter(({ sig }) => String(sig).length === 128)
  const der = (bytes: readonly number[]) => Buffer.concat([Buffer.from(bytes), good.subarray(2)])
  write('ecdsa-der', 'ecdsa_verify_schema_v1.json', [
    ecGroup('EcdsaVerify', 'secp256r1', 'SHA-256', p256, [
      ...sameLength.map((test) => ({
        ...test,
        sig: toDer(Buffer.from(String(test.sig), 'hex')).toString('hex'),
      })),
      oneTest('the length in two bytes', der([0x30, 0x81, good.length - 2]), 'invalid'),
      oneTest('the length without end', Buffer.concat([der([0x30, 0x80]), Buffer.alloc(2)]), 'invalid'),
      oneTest('something behind it', Buffer.concat([good, Buffer.of(5, 0)]), 'invalid'),
      oneTest('a number that breaks off', good.subarray(0, -1), 'invalid'),
    ]),
  ])
}

function edwards(): void {
  const [own, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed448')]
  const group = ({ publicKey }: Pair, curve: string, list: readonly Members[], more: Members = {}) => ({
    ...{ type: 'EddsaVerify', publicKey: { type: 'EDDSAPublicKey', curve, pk: hexOf(jwkOf(publicKey).x) } },
    ...more,
    tests: list,
  })
  write('ed25519', 'eddsa_verify_schema_v1.json', [
    group(own, 'edwards25519', bytesTests('EdDSA', own), { privateKeyJwk: jwkOf(own.privateKey) }),
    group(other, 'edwards448', [oneTest('good, not ours', sign(null, message, other.privateKey), 'valid')]),
  ])
}

function rsa(): void {
  const [own, small, cubic] = [rsaPair(2048), rsaPair(1024), rsaPair(2048, 3)]
  const sha = 'SHA-256'
  const pss = { mgf: 'MGF1', mgfSha: sha, sLen: 32, sha }
  const good = (algorithm: string, { privateKey }: Pair) => signJws(algorithm, jwkOf(privateKey), message)
  const salt = (comment: string): Tampered | undefined =>
    tamperings({
      ...{ algorithm: 'PS256', privateKey: own.privateKey, message, signature: good('PS256', own) },
    }).find((one) => one.comment === comment)
  write('rsa-pkcs1', 'rsassa_pkcs1_verify_schema_v1.json', [
    rsaGroup('RsassaPkcs1Verify', own, { sha }, bytesTests('RS256', own)),
    rsaGroup('RsassaPkcs1Verify', own, { sha: 'SHA-512' }, [
      oneTest('good, over a hash that is not ours', sign('sha512', message, own.privateKey), 'valid'),
    ]),
    rsaGroup('RsassaPkcs1Verify', small, { sha }, [
      oneTest('good, with a key of 1024 bits', good('RS256', small), 'valid'),
    ]),
    rsaGroup('RsassaPkcs1Verify', cubic, { sha }, [
      oneTest('good, with the exponent 3', good('RS256', cubic), 'valid'),
    ]),
  ])
  write('rsa-pss', 'rsassa_pss_verify_schema_v1.json', [
    rsaGroup('RsassaPssVerify', own, pss, bytesTests('PS256', own)),
    rsaGroup('RsassaPssVerify', own, { ...pss, sLen: 20 }, [
      oneTest('good, with a salt that no JWS has', salt('salt of 20 bytes')?.signature ?? message, 'valid'),
    ]),
  ])
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A JWS by hand, so that anything can be wrong with it. */
const jws = (header: unknown, payload: string, algorithm: string, privateJwk: Members): string => {
  const input = `${encode(header)}.${payload}`
  return `${input}.${signJws(algorithm, privateJwk, input).toString('base64url')}`
}

const mac = (header: unknown, payload: string, key: Buffer): string => {
  const input = `${encode(header)}.${payload}`
  return `${input}.${createHmac('sha256', createSecretKey(key)).update(input).digest('base64url')}`
}

const payload = encode({ iss: 'robot' })
const word = Buffer.from('foo').toString('base64url')
const test = (comment: string, text: string, result: Result = 'invalid'): Members => ({
  ...{ comment, flags: [], jws: text, result },
})

function jwsGroup(alg: string, { publicKey, privateKey }: Pair): Members {
  const [half, key] = [jwkOf(publicKey), jwkOf(privateKey)]
  const common = { kid: 'one', use: 'sig', alg }
  const made = (header: Members, text = payload) => jws({ alg, kid: 'one', ...header }, text, alg, key)
  const good = made({})
  const [header = '', , signature = ''] = good.split('.')
  const secret = Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }))
  const list = [
    test('good', good, 'valid'),
    test('of another payload than JSON', made({}, word), 'valid'),
    test('of another payload', `${header}.${word}.${signature}`),
    test('without a signature', `${header}.${payload}.`),
    test('without payload and signature', header),
    test('of algorithm none', `${encode({ alg: 'none' })}.${payload}.`),
    test('of algorithm none, with the signature', `${encode({ alg: 'none' })}.${payload}.${signature}`),
    test('with the public key as a secret', mac({ alg: 'HS256', kid: 'one' }, payload, secret)),
    test('with padding behind it', `${good}=`),
    test('with a part more', `${good}.${signature}`),
    test('with a blank in the signature', `${header}.${payload}. ${signature}`),
    test('with stray bits behind the payload', made({}, 'AB')),
    test('with something critical', made({ crit: ['x'], x: 1 })),
    test('with a payload that is not encoded', made({ b64: false, crit: ['b64'] })),
    test('as JSON', JSON.stringify({ protected: header, payload, signature })),
    test('of an algorithm in other letters', made({ alg: alg.toLowerCase() })),
    test('nothing', ''),
  ]
  return {
    ...{ type: 'JsonWebSignature', comment: alg },
    ...{ private: { ...key, ...common }, public: { ...half, ...common }, tests: list },
  }
}

function macGroup(secret: Buffer, comment: string, list: readonly Members[]): Members {
  const key = { kty: 'oct', k: secret.toString('base64url'), alg: 'HS256', use: 'sig', kid: 'one' }
  return { type: 'JsonWebSignature', comment, private: key, tests: list }
}

function webSignatures(): void {
  const [secret, short] = [Buffer.alloc(32, 7), Buffer.alloc(31, 7)]
  const good = mac({ alg: 'HS256', kid: 'one' }, payload, secret)
  write('json-web-signature', 'json_web_signature_schema_v1.json', [
    jwsGroup('ES256', ecPair('P-256')),
    jwsGroup('EdDSA', generateKeyPairSync('ed25519')),
    macGroup(secret, 'HS256', [
      test('good', good, 'valid'),
      test('cut short', good.slice(0, -4)),
      test('with the name of another hash', mac({ alg: 'HS512', kid: 'one' }, payload, secret)),
      test('good and said to be bad', mac({ alg: 'HS256' }, word, secret), 'valid'),
      test('good and said to be bad', mac({ alg: 'HS256' }, word, secret)),
      test('with a character that is none of base64url', good.replace('.', '?.'), 'valid'),
    ]),
    macGroup(short, 'a secret of 31 bytes', [
      test('good', mac({ alg: 'HS256', kid: 'one' }, payload, short)),
    ]),
  ])
}

function webKeys(): void {
  const pair = ecPair('P-256')
  const [half, key] = [jwkOf(pair.publicKey), jwkOf(pair.privateKey)]
  const text = jws({ alg: 'ES256', kid: 'one' }, payload, 'ES256', key)
  const group = (comment: string, result: Result, changes: Members, more: readonly Members[] = []) => ({
    ...{ type: 'JsonWebKey', comment, private: { keys: [{ ...key, kid: 'one' }] } },
    public: { keys: [{ ...half, kid: 'one', ...changes }, ...more] },
    tests: [test(comment, text, result)],
  })
  const [small, large] = [rsaPair(1024), rsaPair(2048)]
  const largeText = jws({ alg: 'RS256', kid: 'one' }, payload, 'RS256', jwkOf(large.privateKey))
  const largeGroup = (alg: string, result: Result) => ({
    ...{ type: 'JsonWebKey', comment: `of RSA for ${alg}` },
    private: { keys: [{ ...jwkOf(large.privateKey), kid: 'one', alg }] },
    public: { keys: [{ ...jwkOf(large.publicKey), kid: 'one', alg }] },
    tests: [test(`signed with RS256, of a key for ${alg}`, largeText, result)],
  })
  const smallText = jws({ alg: 'RS256', kid: 'one' }, payload, 'RS256', jwkOf(small.privateKey))
  const y = Buffer.from(String(half.y), 'base64url')
  y[31] = (y[31] ?? 0) ^ 1
  write('json-web-key', 'json_web_key_schema_v1.json', [
    group('good', 'valid', {}),
    group('good, with another key beside it', 'valid', {}, [
      { ...jwkOf(ecPair('P-256').publicKey), kid: 'two' },
    ]),
    group('of another use', 'invalid', { use: 'enc' }),
    group('for another operation', 'invalid', { key_ops: ['encrypt'] }),
    group('of an algorithm that there is not', 'invalid', { alg: 'ES224' }),
    group('of an algorithm of another curve', 'invalid', { alg: 'ES384' }),
    group('of another curve', 'invalid', { crv: 'P-384' }),
    group('of another type', 'invalid', { kty: 'RSA' }),
    group('beside its curve', 'invalid', { y: y.toString('base64url') }),
    group('with its private half', 'invalid', { d: key.d }),
    largeGroup('RS256', 'valid'),
    largeGroup('PS256', 'invalid'),
    {
      ...{ type: 'JsonWebKey', comment: 'of 1024 bits' },
      private: { keys: [{ ...jwkOf(small.privateKey), kid: 'one' }] },
      public: { keys: [{ ...jwkOf(small.publicKey), kid: 'one' }] },
      tests: [test('of 1024 bits', smallText)],
    },
  ])
}

ecdsa()
edwards()
rsa()
webSignatures()
webKeys()
