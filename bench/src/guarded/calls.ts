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
} from './verifiers.ts'

export interface CallsJob {
  readonly algorithm: string
  readonly who: Who
  readonly tokens: number
  readonly pace: CallPace
}

/**
 * Who is called in one process: those that verify each token, a guard that remembers tokens but has forgotten each before
 * it comes again, and those that know their tokens. One guard a process, as in an API: a second one would cost the first
 * what V8 knows of a function that is made but once.
 */
export type Who = keyof typeof lists

const lists = {
  verifying: (issuer: BenchIssuer) => [
    guardVerifier('guard', issuer.guard({ cache: { tokens: 0 } })),
    joseVerifier(issuer),
    fastJwtVerifier('fast-jwt', issuer, false),
    jsonwebtokenVerifier(issuer),
  ],
  forgetting: (issuer: BenchIssuer, { tokens }: CallsJob) => [
    guardVerifier('guard, tokens it does not remember', issuer.guard({ cache: { tokens: tokens / 2 } })),
  ],
  knowing: (issuer: BenchIssuer, { tokens }: CallsJob) => [
    guardVerifier('guard', issuer.guard()),
    fastJwtVerifier('fast-jwt, cache', issuer, tokens * 2),
  ],
}

const job: CallsJob = JSON.parse(process.argv[2] ?? '')
if (!isAlgorithm(job.algorithm)) throw new Error(`no algorithm ${job.algorithm}`)
const issuer = await createBenchIssuer(job.algorithm)
const tokens = await issuer.tokens(job.tokens)
const verifiers = lists[job.who](issuer, job).filter((verifier) => verifier !== null)
process.send?.(await measureCalls([signatureVerifier(issuer, tokens), ...verifiers], tokens, job.pace))
process.exit(0)
