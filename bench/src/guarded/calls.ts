/** The process in which verifiers are called: says which job on its command line, and tells the bench what it found. */

import { isAlgorithm } from '../signers.ts'
import { type BenchIssuer, createBenchIssuer } from './issuer.ts'
import { type CallPace, measureCalls } from './slices.ts'
import {
  fastJwtVerifier,
  guardVerifier,
  joseVerifier,
  jsonwebtokenVerifier,
  signatureVerifier,
  type Verifier,
} from './verifiers.ts'

export interface CallsJob {
  readonly algorithm: string
  /** Whether tokens come again, or each is as good as new to whoever verifies it. */
  readonly areRepeated: boolean
  readonly tokens: number
  readonly pace: CallPace
}

/** In the second line the guard remembers as always and yet finds nothing: a token is forgotten before it comes again. */
function whoVerifies(issuer: BenchIssuer, { tokens }: CallsJob): readonly Verifier[] {
  return [
    guardVerifier('guard', issuer.guard({ cache: { tokens: 0 } })),
    guardVerifier('guard, tokens it does not remember', issuer.guard({ cache: { tokens: tokens / 2 } })),
    joseVerifier(issuer),
    fastJwtVerifier('fast-jwt', issuer, false),
    jsonwebtokenVerifier(issuer),
  ].filter((verifier) => verifier !== null)
}

const whoRemembers = (issuer: BenchIssuer, { tokens }: CallsJob): readonly Verifier[] => [
  guardVerifier('guard', issuer.guard()),
  fastJwtVerifier('fast-jwt, cache', issuer, tokens * 2),
]

const job: CallsJob = JSON.parse(process.argv[2] ?? '')
if (!isAlgorithm(job.algorithm)) throw new Error(`no algorithm ${job.algorithm}`)
const issuer = await createBenchIssuer(job.algorithm)
const tokens = await issuer.tokens(job.tokens)
const verifiers = job.areRepeated ? whoRemembers(issuer, job) : whoVerifies(issuer, job)
process.send?.(await measureCalls([signatureVerifier(issuer, tokens), ...verifiers], tokens, job.pace))
process.exit(0)
