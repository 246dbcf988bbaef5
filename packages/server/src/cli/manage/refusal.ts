/** A refusal of the server in the words of whoever typed the command: what, why, the next step, and the request id. */

import { type ManagementClient, ManagementRefused } from '../../management/client.ts'
import { permissionNames } from '../../management/permissions.ts'
import { terminalText } from '../standard-input.ts'
import { ServerUnreachable } from './own-fetch.ts'

/** As `failure.ts` documents them. */
export function exitCodeOf(error: ManagementRefused | ServerUnreachable): 1 | 2 | 3 {
  if (error instanceof ServerUnreachable || error.status === 503) return 3
  return [400, 409, 413, 415, 422, 428].includes(error.status) ? 2 : 1
}

export function refusalJson(error: ManagementRefused): object {
  const { status, code, title, detail, misfits, requestId } = error
  return { status, code, title, detail, errors: misfits, request_id: requestId }
}

export async function refusalText(error: ManagementRefused, client: ManagementClient): Promise<string> {
  const misfits = error.misfits.map(
    ({ pointer, found, expected }) => `  ${pointer || 'the body'}: found ${found}, expected ${expected}`,
  )
  const isMissing = error.code === 'not_found' && error.detail !== undefined
  const lines = [
    ...(isMissing ? [] : [error.title]),
    ...(error.detail === undefined ? [] : [error.detail]),
    ...misfits,
    ...(await nextStep(error, client)),
    ...(error.requestId === null ? [] : [`Request id: ${error.requestId}`]),
  ]
  return lines.map(terminalText).join('\n')
}

interface Membership {
  readonly tenant: string
  readonly organization: string | null
  readonly permissions: readonly string[]
}

async function nextStep(
  { code, detail = '' }: ManagementRefused,
  client: ManagementClient,
): Promise<readonly string[]> {
  // Said only to those who may know that it is missing.
  if (code === 'not_found' && detail !== '') return []
  if (code === 'not_found')
    return [
      'Either it does not exist, or you may not see it.',
      ...belonging('You belong to', (await membershipsOf(client)) ?? []),
    ]
  // The one that was missing, which may be that of the reading before a change, or one that was to be given away.
  const permission = permissionNames.find((name) => detail.split(/\W+/).includes(name))
  if (code === 'forbidden' && permission !== undefined)
    return whereHeld(permission, await membershipsOf(client))
  if (code === 'precondition_failed') return ['Somebody else was faster. Look at it, and run this again.']
  return []
}

function whereHeld(permission: string, memberships: readonly Membership[] | null): readonly string[] {
  const held = memberships?.filter(({ permissions }) => permissions.includes(permission))
  if (held === undefined) return []
  return held.length === 0
    ? [`None of your roles has ${permission} anywhere.`]
    : belonging('You have it at', held)
}

/** Null where it cannot be asked: the refusal itself is what matters. */
async function membershipsOf(client: ManagementClient): Promise<readonly Membership[] | null> {
  try {
    const { memberships } = (await client.call('readMe')).body as { memberships: readonly Membership[] }
    return memberships
  } catch (error) {
    if (error instanceof ManagementRefused || error instanceof ServerUnreachable) return null
    throw error
  }
}

const belonging = (words: string, memberships: readonly Membership[]): readonly string[] =>
  memberships.length === 0 ? [] : [`${words}: ${memberships.map(placeOf).join('; ')}.`]

const placeOf = ({ tenant, organization }: Membership): string => {
  if (organization !== null) return `organization ${organization} of tenant ${tenant}`
  return tenant === 'system' ? 'the whole server' : `tenant ${tenant}`
}
