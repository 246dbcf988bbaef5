/** The answers of operations that only read: one thing, or a page of a list. */

import type { Reply } from '@sallyport/protocol'
import { unlessUnchanged } from '../entity-tag.ts'
import type { Caller } from './caller.ts'
import { readCursor, writeCursor } from './cursor.ts'
import type { ListOperation, OperationDeps, ReadOperation } from './operation.ts'
import { defaultLimit } from './page-limit.ts'
import { readBody, readQuery } from './read-input.ts'
import { etagOf, findTarget, reply } from './reply.ts'
import type { ManagementRequest } from './request.ts'
import type { Route } from './route.ts'

export async function readReply(
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
  const shown = reply(200, value, { ETag: etagOf(target.value ?? value) })
  // What is shown beside the thing itself may have changed under the same tag.
  const isTagged = target.value === undefined || target.value === value
  return isTagged ? unlessUnchanged(shown, request.ifNoneMatch) : shown
}

export async function listReply(
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
