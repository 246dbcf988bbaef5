/**
 * One call of the management API, top to bottom: who asks, which operation, may they, does the input fit, do it, record it.
 * What is written, its audit record and the answer kept for a repetition are one transaction.
 */

import { createHash } from 'node:crypto'
import { neverCached, type Reply } from '@sallyport/protocol'
import { StoreConflict, StoreUnavailable, type WriteTransaction } from '../store/database.ts'
import { claimIdempotencyKey, keepAnswer } from '../store/idempotency-keys.ts'
import { lockTenant } from '../store/tenants.ts'
import { authenticate, type CallerDeps, callerOf } from './authenticate.ts'
import { authorize } from './authorize.ts'
import type { Caller } from './caller.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { describeApi } from './openapi.ts'
import type {
  From,
  ListOperation,
  OperationDeps,
  ReadOperation,
  Target,
  WriteOperation,
  Written,
} from './operation.ts'
import { operations } from './operations.ts'
import { Problem, problemReply, refuseWith } from './problem.ts'
import { createRate, type RateTerms } from './rate.ts'
import { checkBody, defaultLimit, mergePatch, readBody, readQuery } from './read-input.ts'
import type { ManagementRequest } from './request.ts'
import { createRouter, type Route } from './route.ts'

export const managementPath = '/manage/v1'

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
    if (request.path === '/openapi.json' && request.method === 'GET') {
      document ??= JSON.stringify(describeApi(operations, deps.baseUrl))
      return { status: 200, headers: { 'Content-Type': 'application/json' }, body: document }
    }
    const { clientId, scopes } = await authenticate(request.authorization, deps.effects.clock(), deps)
    const rate = takeCall(clientId, deps.effects.clock())
    progress.headers = rate.headers
    if (rate.isOver) refuseWith('too_many_requests')
    const route = router.find(request.method, request.path)
    if ('methods' in route) refuseWithoutRoute(route.methods)
    progress.route = route
    const readCaller = (from: From) => callerOf(from, { clientId, scopes })
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
    const { reply, problem } = await settle(request, progress, () => answerTo(request, progress))
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
  { headers: _ }: Progress,
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

function refuseWithoutRoute(methods: readonly string[]): never {
  if (methods.length === 0) refuseWith('not_found')
  refuseWith('method_not_allowed', { headers: { Allow: [...new Set(methods)].join(', ') } })
}

/** Finding nothing and not being allowed to know are one answer. */
async function findTarget({ operation, params }: Route, caller: Caller, from: From): Promise<Target> {
  const target = await operation.find(params, from)
  if (target === null) refuseWith('not_found')
  authorize(caller, operation, target.place)
  return target
}

async function readReply(
  operation: ReadOperation,
  route: Route,
  request: ManagementRequest,
  caller: Caller,
  deps: OperationDeps,
): Promise<Reply> {
  const target = await findTarget(route, caller, deps.db)
  const query = readQuery(request.query, operation.query, false)
  readBody(request, null, 0)
  const value = await operation.run(
    { params: route.params, query, body: null, target, caller },
    deps.db,
    deps,
  )
  return reply(200, value, { ETag: etagOf(target.value ?? value) })
}

async function listReply(
  operation: ListOperation,
  route: Route,
  request: ManagementRequest,
  caller: Caller,
  deps: OperationDeps,
): Promise<Reply> {
  const target = await findTarget(route, caller, deps.db)
  const { cursor, limit = defaultLimit, ...query } = readQuery(request.query, operation.query, true)
  readBody(request, null, 0)
  const listName = JSON.stringify([operation.id, route.params, Object.entries(query).sort(), caller.actor])
  const after = typeof cursor === 'string' ? readCursor(deps.sealer, listName, cursor) : undefined
  const page = { after, limit: Number(limit) + 1, now: deps.effects.clock() }
  const found = await operation.run(
    { params: route.params, query, body: null, target, caller },
    page,
    deps.db,
  )
  const items = withinBytes(found.slice(0, Number(limit)))
  const last = items.at(-1)
  const next =
    found.length > items.length && last !== undefined
      ? writeCursor(deps.sealer, listName, operation.keyOf(last))
      : null
  return reply(200, { items, next_cursor: next })
}

// A page of the largest rows would hold up the process while it is written.
const mostPageBytes = 1_048_576

/** As many as fit into a page, and one at least. */
function withinBytes(items: readonly object[]): readonly object[] {
  let bytes = 0
  const end = items.findIndex((item, index) => {
    bytes += JSON.stringify(item).length
    return bytes > mostPageBytes && index > 0
  })
  return end === -1 ? items : items.slice(0, end)
}

interface Asking {
  readonly caller: Caller
  readonly readCaller: (from: From) => Promise<Caller>
}

const keySeconds = 86_400

async function writeReply(
  operation: WriteOperation,
  route: Route,
  request: ManagementRequest,
  { caller: asked, readCaller }: Asking,
  deps: OperationDeps,
): Promise<Reply> {
  const key = idempotencyDigests(operation, request, asked)
  return deps.db.write(async (tx) => {
    const given = key && (await claimIdempotencyKey(tx, key.digest, key.request, tx.now + keySeconds))
    // Of two who change one thing, the second sees what the first has made of it.
    if (route.params.tenant !== undefined) await lockTenant(tx, route.params.tenant)
    // Read again here: whoever has been shut out in the meantime is out.
    const caller = await readCaller(tx)
    // Before anything is told of what was answered: whoever could then need not be allowed now.
    const target = await findTarget(route, caller, tx)
    if (given) return repeat(given, key)
    const query = readQuery(request.query, operation.query, false)
    const body = readInput(operation, request, target)
    checkPrecondition(operation, request, target)
    const call = { params: route.params, query, body, target, caller }
    const written = await operation.run(call, tx, deps)
    record(operation, request, caller, target, written, tx)
    if (key) await keepAnswer(tx, key.digest, operation.status, keptBody(written))
    return writtenReply(operation, written)
  })
}

/** A patch is laid over what is there, and the whole must fit; so nothing that a caller may not set can be set. */
function readInput(operation: WriteOperation, request: ManagementRequest, { value }: Target): unknown {
  const input = readBody(request, operation.body, operation.mostValues)
  if (operation.body === null) return null
  const isSecret = operation.permission === 'manage_api_credentials'
  const whole = operation.method === 'PATCH' ? mergePatch(settableOf(operation, value ?? {}), input) : input
  checkBody(operation.body, whole, isSecret)
  return whole
}

/** What the API shows, less what it alone sets. */
function settableOf({ body }: WriteOperation, value: object): object {
  const names = Object.keys((body as { readonly properties?: object }).properties ?? {})
  return Object.fromEntries(
    Object.entries(value).filter(([name, member]) => names.includes(name) && member !== null),
  )
}

/** RFC 9110 §13.1.1; RFC 6585 §3 for those who change what they have not read. */
function checkPrecondition(
  { method }: WriteOperation,
  { ifMatch }: ManagementRequest,
  { value }: Target,
): void {
  if (value === undefined || method === 'POST') return
  if (ifMatch === undefined) {
    if (method === 'PATCH')
      refuseWith('precondition_required', { detail: 'Read it first, and send its ETag as If-Match.' })
    return
  }
  const tags = ifMatch.split(',').map((tag) => tag.trim())
  if (!tags.includes('*') && !tags.includes(etagOf(value)))
    refuseWith('precondition_failed', { detail: 'Read it again, and decide anew.' })
}

const etagOf = (value: object): string =>
  `"${createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22)}"`

function record(
  operation: WriteOperation,
  { id: requestId }: ManagementRequest,
  { actor }: Caller,
  target: Target,
  { body, after = body, name = target.name, tenantId, isSecret = false }: Written,
  tx: WriteTransaction,
): void {
  if (isSecret && after === body)
    throw new Error(`${operation.id} would write a secret into the audit chain.`)
  tx.audit({
    tenantId: tenantId ?? target.place.tenantId,
    ...{ actor, action: operation.id, target: name, requestId },
    before: target.value === undefined ? null : JSON.stringify(target.value),
    after: after === null ? null : JSON.stringify(after),
  })
}

const keptBody = ({ body, isSecret = false }: Written): string | null =>
  body === null || isSecret ? null : JSON.stringify(body)

function writtenReply(
  { status }: WriteOperation,
  { body, after = body, location, isSecret }: Written,
): Reply {
  if (body === null) return { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' }
  return reply(status, body, {
    ...(after !== null && isSecret !== true && { ETag: etagOf(after) }),
    ...(location !== undefined && { Location: managementPath + location }),
  })
}

interface KeyDigests {
  readonly digest: Buffer
  readonly request: Buffer
}

/** A caller's keys are its own, and a key belongs to one request: the same method, path, query and body. */
function idempotencyDigests(
  operation: WriteOperation,
  { idempotencyKey, path, query, body, ifMatch = '' }: ManagementRequest,
  { actor }: Caller,
): KeyDigests | null {
  if (idempotencyKey === undefined) return null
  if (!/^[\x21-\x7e]{1,255}$/.test(idempotencyKey))
    refuseWith('malformed_request', { detail: 'An Idempotency-Key is 1 to 255 printable characters.' })
  const sha256 = (parts: readonly string[]) => createHash('sha256').update(JSON.stringify(parts))
  return {
    digest: sha256([actor, idempotencyKey]).digest(),
    request: sha256([operation.id, path, query, ifMatch]).update(body).digest(),
  }
}

function repeat(
  given: { readonly requestDigest: Uint8Array; readonly status: number; readonly body: string | null },
  key: KeyDigests,
): Reply {
  if (!key.request.equals(given.requestDigest)) refuseWith('idempotency_key_reused')
  if (given.body !== null)
    return {
      status: given.status,
      headers: { ...neverCached, 'Idempotency-Replayed': 'true' },
      body: given.body,
    }
  if (given.status === 204) return { status: 204, headers: { 'Idempotency-Replayed': 'true' }, body: '' }
  refuseWith('secret_shown_once', {
    detail: 'If the first answer was lost, remove what it made and make another.',
  })
}

const reply = (status: number, value: object, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { ...neverCached, ...headers },
  body: JSON.stringify(value),
})

interface Recording extends Pick<OperationDeps, 'db'> {
  readonly takeRefusal: ReturnType<typeof createRate>
  readonly now: number
}

const longestTarget = 200

/** trust F20: whoever knocks at a border is known to the tenant behind it. */
async function recordRefusal(
  { id: requestId }: ManagementRequest,
  { route, caller }: Progress,
  problem: Problem | null,
  { db, takeRefusal, now }: Recording,
): Promise<void> {
  if (problem === null || !problem.isDenial || route === undefined || caller === undefined) return
  if (takeRefusal(caller.actor, now).isOver) return
  const { operation, params } = route
  try {
    await db.write(async (tx) => {
      const { tenant = null } = params
      tx.audit({
        ...{ tenantId: tenant, actor: caller.actor, action: operation.id, requestId, outcome: 'refused' },
        target: Object.values(params).join('/').slice(0, longestTarget) || 'server',
        reason: problem.message,
      })
    })
  } catch (error) {
    // The refusal stands without it.
    if (!(error instanceof StoreUnavailable)) throw error
  }
}
