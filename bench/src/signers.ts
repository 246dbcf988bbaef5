/** The fastest way to make one JWS signature per algorithm on this Node: the ways worth trying, and a race that chooses one. */
import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  verify,
} from 'node:crypto'

export const algorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const
export type Algorithm = (typeof algorithms)[number]

export function isAlgorithm(value: unknown): value is Algorithm {
  return algorithms.some((algorithm) => algorithm === value)
}

export type Sign = (data: Buffer, done: (signature: Buffer) => void) => void

export interface SigningWay {
  readonly name: string
  readonly sign: Sign
}

export function generatePrivateKey(algorithm: Algorithm): KeyObject {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/** RFC 7518 §3.4: ES256 is r and s side by side, 32 bytes each, where DER writes two integers of varying length. */
function joinDer(der: Buffer): Buffer {
  const joined = Buffer.alloc(64)
  const rEnd = 4 + (der[3] ?? 0)
  copyInteger(der.subarray(4, rEnd), joined, 32)
  copyInteger(der.subarray(rEnd + 2), joined, 64)
  return joined
}

function copyInteger(integer: Buffer, target: Buffer, end: number): void {
  const significant = integer.length > 32 ? integer.subarray(integer.length - 32) : integer
  significant.copy(target, end - significant.length)
}

export function waysToSign(algorithm: Algorithm, key: KeyObject): readonly SigningWay[] {
  if (algorithm === 'EdDSA') return [inLoop('in the event loop', null, key)]
  if (algorithm === 'ES256') {
    return [
      { name: 'DER joined by hand', sign: (data, done) => done(joinDer(sign('sha256', data, key))) },
      inLoop('ieee-p1363', 'sha256', { key, dsaEncoding: 'ieee-p1363' }),
    ]
  }
  const padded: SignKeyObjectInput =
    algorithm === 'RS256'
      ? { key }
      : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  return [inLoop('in the event loop', 'sha256', padded), onPool('on the thread pool', 'sha256', padded)]
}

function inLoop(name: string, digest: string | null, key: KeyObject | SignKeyObjectInput): SigningWay {
  return { name, sign: (data, done) => done(sign(digest, data, key)) }
}

function onPool(name: string, digest: string, key: SignKeyObjectInput): SigningWay {
  return {
    name,
    sign: (data, done) =>
      sign(digest, data, key, (error, signature) => {
        if (error) throw error
        done(signature)
      }),
  }
}

const raceMilliseconds = 60
const raceRounds = 3
const inFlight = 32

/** Races the ways in turns, so that noise hits all alike, and returns the one with the best single turn. */
export async function fastestWay(ways: readonly SigningWay[]): Promise<SigningWay> {
  const best = ways.map(() => 0)
  for (let round = 0; round < raceRounds; round += 1) {
    for (const [index, way] of ways.entries()) {
      best[index] = Math.max(best[index] ?? 0, await signaturesPerSecond(way.sign))
    }
  }
  const winner = ways[best.indexOf(Math.max(...best))]
  if (!winner) throw new Error('no way to sign')
  return winner
}

async function signaturesPerSecond(sign: Sign): Promise<number> {
  const data = Buffer.alloc(500, 'a')
  const startedAt = performance.now()
  let made = 0
  const signUntilOver = async () => {
    while (performance.now() - startedAt < raceMilliseconds) {
      await new Promise<Buffer>((resolve) => sign(data, resolve))
      made += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, signUntilOver))
  return (made * 1000) / (performance.now() - startedAt)
}

export interface VerifyingWay {
  readonly name: string
  readonly verify: (data: Buffer, signature: Buffer) => boolean
}

/** RFC 7518 §3.4 the other way round: two integers without leading zeros, each with a sign bit of zero. */
export function splitToDer(joined: Buffer): Buffer {
  const integers = [joined.subarray(0, 32), joined.subarray(32)].map((half) => {
    let start = 0
    while (start < 31 && half[start] === 0) start += 1
    const significant = half.subarray(start)
    const padded = (significant[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), significant]) : significant
    return Buffer.concat([Buffer.of(2, padded.length), padded])
  })
  const body = Buffer.concat(integers)
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

/** Of ES256. */
export function waysToVerify(key: KeyObject): readonly VerifyingWay[] {
  const joined = { key, dsaEncoding: 'ieee-p1363' } as const
  return [
    {
      name: 'DER split by hand',
      verify: (data, signature) => verify('sha256', data, key, splitToDer(signature)),
    },
    { name: 'ieee-p1363', verify: (data, signature) => verify('sha256', data, joined, signature) },
  ]
}

/** Bad signatures cost what good ones do, so any will do for the race. */
export function fastestVerification(ways: readonly VerifyingWay[]): VerifyingWay {
  const data = Buffer.alloc(300, 'a')
  const signature = Buffer.alloc(64, 7)
  const best = ways.map(() => 0)
  for (let round = 0; round < raceRounds; round += 1) {
    for (const [index, way] of ways.entries()) {
      best[index] = Math.max(
        best[index] ?? 0,
        perSecond(() => way.verify(data, signature)),
      )
    }
  }
  const winner = ways[best.indexOf(Math.max(...best))]
  if (!winner) throw new Error('no way to verify')
  return winner
}

function perSecond(work: () => unknown): number {
  const startedAt = performance.now()
  let done = 0
  while (performance.now() - startedAt < raceMilliseconds) {
    work()
    done += 1
  }
  return (done * 1000) / (performance.now() - startedAt)
}
