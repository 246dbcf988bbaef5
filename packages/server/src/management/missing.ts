/**
 * What a path names and nobody has, for those who may know. Whatever is told here, what nobody has and what the caller may
 * not see stay one answer to everybody else.
 */

import { type AppRecord, findAppByClientId, findAppById } from '../store/apps.ts'
import { permissionsAt, seesWhole } from './authorize.ts'
import type { Caller } from './caller.ts'
import type { From } from './operation.ts'
import { operations } from './operations.ts'
import { pathTarget } from './path-target.ts'
import type { Route } from './route.ts'

type Params = Route['params']

/** One sentence for the answer, or nothing to say. */
export async function missingDetail(
  { operation, params }: Pick<Route, 'operation' | 'params'>,
  caller: Caller,
  from: From,
): Promise<string | undefined> {
  // Looked for whoever asks: the time must not tell who has an app of that name.
  const named = await clientIdSentence(params, caller, from)
  if (!seesWhole(caller, null)) return named
  const missing = await firstMissing(operation.path, params, from)
  const { tenant } = missing
  const place = tenant === undefined || Object.keys(missing).length === 1 ? '' : ` in tenant ${tenant}`
  return named ?? `There is no ${pathTarget(missing)}${place}.`
}

/** An id is a name that people know; paths name an app by its client id, which no id can stand in for. */
async function clientIdSentence(
  { tenant, app }: Params,
  caller: Caller,
  from: From,
): Promise<string | undefined> {
  if (tenant === undefined || app === undefined) return undefined
  const holder = await findAppByClientId(from, tenant, app)
  const named = await findAppById(from, tenant, app)
  const isRead = (row: AppRecord | null) => row !== null && mayRead(caller, tenant, row)
  // A client id of somebody else's must not be seen by what is not said.
  return named !== null && isRead(named) && !isRead(holder)
    ? `The app ${app} is named by its client id here: ${named.clientId}.`
    : undefined
}

function mayRead(caller: Caller, tenantId: string, { organizationId }: AppRecord): boolean {
  const held = permissionsAt(caller, { tenantId, organizationId })
  return caller.scopes.has('read_apps') && held.has('read_apps')
}

/** The parameters up to the first of the things that the path goes through and nobody has. */
async function firstMissing(path: string, params: Params, from: From): Promise<Params> {
  const ends = [...path.matchAll(/\}/g)].map(({ index }) => index + 1)
  for (const end of ends) {
    const above = path.slice(0, end)
    const reading = operations.find((one) => one.kind === 'read' && one.path === above)
    if (reading && (await reading.find(params, from)) === null) return paramsOf(above, params)
  }
  return params
}

const paramsOf = (path: string, params: Params): Params =>
  Object.fromEntries(Object.entries(params).filter(([name]) => path.includes(`{${name}}`)))
