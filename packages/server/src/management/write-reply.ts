/**
 * The answer of an operation that writes: may they, does the input fit, do it, record it. What is written, its audit record
 * and the answer kept for a repetition are one transaction.
 */

import type { Reply } from '@sallyport/protocol'
import { isCurrent } from '../entity-tag.ts'
import type { WriteTransaction } from '../store/database.ts'
import { claimIdempotencyKey, isKeyClaimed, keepAnswer } from '../store/idempotency-keys.ts'
import { lockTenant } from '../store/tenants.ts'
import type { Caller } from './caller.ts'
import { idempotencyDigests, keptBody, keySeconds, repeat } from './idempotency.ts'
import { mergePatch } from './merge-patch.ts'
import type { From, OperationDeps, Target, WriteOperation, Written } from './operation.ts'
import { refuseWith } from './problem.ts'
import { checkBody, readBody, readQuery } from './read-input.ts'
import { checkRepeating, etagOf, findTarget, reply } from './reply.ts'
import { type ManagementRequest, managementPath } from './request.ts'
import type { Route } from './route.ts'

export interface Asking {
  readonly caller: Caller
  readonly readCaller: (from: From) => Promise<Caller>
}

export async function writeReply(
  operation: WriteOperation,
  route: Route,
  request: ManagementRequest,
  { caller: asked, readCaller }: Asking,
  deps: OperationDeps,
): Promise<Reply> {
  const key = idempotencyDigests(operation, request, asked)
  // Not one that could be over by the time of the transaction.
  const soon = deps.effects.clock() + 60
  const isRepeated = key !== null && (await isKeyClaimed(deps.db, key.digest, soon))
  const prepared = isRepeated ? undefined : await prepare(operation, route, request, asked, deps)
  return deps.db.write(async (tx) => {
    const given = key && (await claimIdempotencyKey(tx, key.digest, key.request, tx.now + keySeconds))
    // It tells nothing but that the same caller has done it, and what it was about is gone.
    if (given?.status === 204 && key) return repeat(given, key)
    // Of two who change one thing, the second sees what the first has made of it.
    if (route.params.tenant !== undefined) await lockTenant(tx, route.params.tenant)
    // Read again here: whoever has been shut out in the meantime is out.
    const caller = await readCaller(tx)
    if (given && key) {
      // Before anything is told of what was answered: whoever could then need not be allowed now.
      await checkRepeating(route, caller, tx)
      return repeat(given, key)
    }
    // Its day has ended just now: nothing was prepared for a second time.
    if (isRepeated)
      refuseWith('idempotency_key_reused', {
        detail: 'What was done with it is no longer known: take another key.',
      })
    const target = await findTarget(route, caller, tx)
    const query = readQuery(request.query, operation.query, false)
    const body = readInput(operation, request, target)
    checkPrecondition(operation, request, target)
    const call = { params: route.params, query, body, target, caller, prepared }
    const written = await operation.run(call, tx, deps)
    record(operation, request, caller, target, written, tx)
    if (key) {
      const kept = { status: operation.status, body: keptBody(written), headers: headersOf(written) }
      await keepAnswer(tx, key.digest, kept)
    }
    return writtenReply(operation, written)
  })
}

/** May they and does the input fit is asked here too, so that nobody else makes the server work; what counts is said inside. */
async function prepare(
  operation: WriteOperation,
  route: Route,
  request: ManagementRequest,
  caller: Caller,
  deps: OperationDeps,
): Promise<unknown> {
  if (operation.prepare === undefined) return undefined
  const target = await findTarget(route, caller, deps.db)
  const query = readQuery(request.query, operation.query, false)
  const body = readInput(operation, request, target)
  return operation.prepare({ params: route.params, query, body, target, caller }, deps.db, deps)
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
  if (!isCurrent(ifMatch, etagOf(value)))
    refuseWith('precondition_failed', { detail: 'Read it again, and decide anew.' })
}

function record(
  operation: WriteOperation,
  { id: requestId }: ManagementRequest,
  { actor }: Caller,
  target: Target,
  { body, before = target.value, after = body, name = target.name, ...written }: Written,
  tx: WriteTransaction,
): void {
  const { tenantId, elsewhere = [], isSecret = false } = written
  if (isSecret && after === body)
    throw new Error(`${operation.id} would write a secret into the audit chain.`)
  tx.audit({
    tenantId: tenantId ?? target.place.tenantId,
    ...{ actor, action: operation.id, target: name, requestId },
    before: before === undefined ? null : JSON.stringify(before),
    after: after === null ? null : JSON.stringify(after),
  })
  for (const { name: gone, before: was, ...there } of elsewhere)
    tx.audit({ ...there, actor, requestId, target: gone, before: JSON.stringify(was), after: null })
}

/** What is said of the thing beside itself. */
const headersOf = ({
  body,
  after = body,
  location,
  isSecret = false,
}: Written): Readonly<Record<string, string>> => ({
  ...(after !== null && !isSecret && { ETag: etagOf(after) }),
  ...(location !== undefined && { Location: managementPath + location }),
})

function writtenReply({ status }: WriteOperation, written: Written): Reply {
  if (written.body === null) return { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' }
  return reply(status, written.body, headersOf(written))
}
