/**
 * One call of the management API, top to bottom: who asks, which operation, may they, does the input fit, do it, record it.
 * What is written, its audit record and the answer kept for a repetition are one transaction.
 */

import type { Reply } from '@sallyport/protocol'
import { StoreConflict, StoreUnavailable } from '../store/database.ts'
import { authenticate, type CallerDeps, callerOf } from './authenticate.ts'
import type { Caller } from './caller.ts'
import { describeApi } from './openapi.ts'
import type { From, OperationDeps } from './operation.ts'
import { operations } from './operations.ts'
import { Problem, problemReply, refuseWith } from './problem.ts'
import { createRate, type RateTerms } from './rate.ts'
import { listReply, readReply } from './read-reply.ts'
import { recordRefusal } from './record-refusal.ts'
import type { ManagementRequest } from './request.ts'
import { createRouter, type Route } from './route.ts'
import { writeReply } from './write-reply.ts'

/** How a call ended, for the log. */
export interface ManagementOutcome {
  readonly request: ManagementRequest
  readonly operation: string | undefined
  readonly caller: string | undefined
  readonly tenantId: string | undefined
  readonly status: number
  /** Null unless it was refused. */
  readonly problem: Problem | null
}

export interface ManagementDeps extends OperationDeps, CallerDeps {
  readonly onOutcome: (outcome: ManagementOutcome) => void
  readonly rate?: RateTerms
}

export type AnswerManagement = (request: ManagementRequest) => Promise<Reply>

const defaultRate: RateTerms = { calls: 600, windowSeconds: 60 }
// The log has them all; the chain, which is kept for ever, enough of them.
const recordedRefusals: RateTerms = { calls: 30, windowSeconds: 60 }

/** What has become known of a call on its way. */
interface Progress {
  route?: Route
  caller?: Caller
  headers: Readonly<Record<string, string>>
}

export function createManagement(deps: ManagementDeps): AnswerManagement {
  const router = createRouter(operations)
  const takeCall = createRate(deps.rate ?? defaultRate)
  const takeRefusal = createRate(recordedRefusals)
  // Made when it is asked for: a server that starts should issue tokens first.
  let document: string | undefined

  async function answerTo(request: ManagementRequest, progress: Progress): Promise<Reply> {
    const method = readingAsGet(request.method)
    if (request.path === '/openapi.json' && method === 'GET') {
      document ??= JSON.stringify(describeApi(operations, deps.baseUrl))
      return { status: 200, headers: { 'Content-Type': 'application/json' }, body: document }
    }
    const holder = await authenticate(request, deps.effects.clock(), deps)
    const rate = takeCall(holder.clientId, deps.effects.clock())
    progress.headers = rate.headers
    if (rate.isOver) refuseWith('too_many_requests')
    const route = router.find(method, request.path)
    if ('methods' in route) refuseWithoutRoute(route.methods)
    progress.route = route
    const readCaller = (from: From) => callerOf(from, holder)
    const caller = await readCaller(deps.db)
    progress.caller = caller
    const { operation } = route
    if (operation.kind === 'write') return writeReply(operation, route, request, { caller, readCaller }, deps)
    return operation.kind === 'list'
      ? listReply(operation, route, request, caller, deps)
      : readReply(operation, route, request, caller, deps)
  }

  return async (request) => {
    const progress: Progress = { headers: {} }
    const { reply, problem } = await settle(request, () => answerTo(request, progress))
    await recordRefusal(request, progress, problem, { db: deps.db, takeRefusal, now: deps.effects.clock() })
    deps.onOutcome({
      request,
      operation: progress.route?.operation.id,
      caller: progress.caller?.actor,
      tenantId: progress.route?.params.tenant,
      status: reply.status,
      problem,
    })
    return { ...reply, headers: { ...reply.headers, ...progress.headers } }
  }
}

async function settle(
  { id }: ManagementRequest,
  work: () => Promise<Reply>,
): Promise<{ readonly reply: Reply; readonly problem: Problem | null }> {
  try {
    return { reply: await work(), problem: null }
  } catch (error) {
    const problem = toProblem(error)
    if (problem === null) throw error
    return { reply: problemReply(problem, id), problem }
  }
}

function toProblem(error: unknown): Problem | null {
  if (error instanceof Problem) return error
  if (error instanceof StoreUnavailable)
    return new Problem('unavailable', { headers: { 'Retry-After': '5' }, reason: error.message })
  if (error instanceof StoreConflict)
    return new Problem('conflict', {
      detail: 'Something of that name exists, or something that it names does not, or is still in use.',
      reason: error.message,
    })
  return null
}

/** RFC 9110 §9.3.2: HEAD is GET, and the listener leaves the content out. */
const readingAsGet = (method: string): string => (method === 'HEAD' ? 'GET' : method)

function refuseWithoutRoute(methods: readonly string[]): never {
  if (methods.length === 0) refuseWith('not_found')
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  refuseWith('method_not_allowed', { headers: { Allow: [...new Set(allowed)].join(', ') } })
}
