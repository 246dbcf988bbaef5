/** The process in which a guard is flooded with bad tokens, each of them new: tells how much of its memory they have kept. */

import { setTimeout as pause } from 'node:timers/promises'
import { createBenchIssuer } from './issuer.ts'
import { requestWith } from './verifiers.ts'

export interface FloodResult {
  readonly refused: Readonly<Record<string, number>>
  readonly heapMegabytesBefore: number
  readonly heapMegabytesAfter: number
}

const count = Number(process.argv[2])
const atOnce = 50

const issuer = await createBenchIssuer('ES256')
const [good = ''] = await issuer.tokens(1)
const guard = issuer.guard()
const [header = '', claims = '', signature = ''] = good.split('.')
const text = (value: string): string => Buffer.from(value).toString('base64url')
/** Sixteen characters that no other token has, in a text that is read like a good one. */
const serial = (index: number): string => String(index).padStart(16, '0')

/** In turn: a key that nobody has, claims that nobody signed, a text that only the issuer knows, and no token at all. */
const badTokens: readonly ((index: number) => string)[] = [
  (index) => `${text(`{"alg":"ES256","typ":"at+jwt","kid":"${serial(index)}"}`)}.${claims}.${signature}`,
  (index) => `${header}.${text(`{"jti":"${serial(index)}"}`)}.${signature}`,
  (index) => `opaque_${serial(index)}`,
  (index) => `${serial(index)}.${claims}.${signature}`,
]

process.send?.(await flood())
process.exit(0)

async function flood(): Promise<FloodResult> {
  await send(0, Math.min(count, 2_000))
  const heapMegabytesBefore = await heapMegabytes()
  await send(count, count)
  return { refused: guard.status().refused, heapMegabytesBefore, heapMegabytesAfter: await heapMegabytes() }
}

async function send(from: number, tokens: number): Promise<void> {
  for (let index = from; index < from + tokens; index += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, from + tokens - index) }, (_, more) => index + more)
    await Promise.all(some.map(refuse))
  }
}

async function refuse(index: number): Promise<void> {
  const token = badTokens[index % badTokens.length]?.(index) ?? ''
  const { isAllowed } = await guard.check(requestWith(`Bearer ${token}`))
  if (isAllowed) throw new Error('a bad token was let in')
}

/** What lives, after two rounds of the collector: the first lets go of what finalizers hold. */
async function heapMegabytes(): Promise<number> {
  for (let round = 0; round < 2; round += 1) {
    await pause(10)
    if (globalThis.gc === undefined) throw new Error('needs --expose-gc')
    globalThis.gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 / 1024
}
