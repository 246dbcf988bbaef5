/** Whose request is whose repetition, and what a repetition is answered. */

import { createHash } from 'node:crypto'
import { neverCached, type Reply } from '@sallyport/protocol'
import type { GivenAnswer } from '../store/idempotency-keys.ts'
import type { Caller } from './caller.ts'
import type { WriteOperation, Written } from './operation.ts'
import { refuseWith } from './problem.ts'
import type { ManagementRequest } from './request.ts'

/** How long an answer is kept. */
export const keySeconds = 86_400

interface KeyDigests {
  readonly digest: Buffer
  readonly request: Buffer
}

/** A caller's keys are its own, and a key belongs to one request: the same method, path, query and body. */
export function idempotencyDigests(
  operation: WriteOperation,
  { idempotencyKey, path, query, body, ifMatch = '' }: ManagementRequest,
  { actor }: Caller,
): KeyDigests | null {
  if (idempotencyKey === undefined) return null
  const name = nameIn(idempotencyKey)
  const sha256 = (parts: readonly string[]) => createHash('sha256').update(JSON.stringify(parts))
  return {
    digest: sha256([actor, name]).digest(),
    request: sha256([operation.id, path, query, ifMatch]).update(body).digest(),
  }
}

const quotedKey = /^"((?:[ !#-[\]-~]|\\["\\]){1,255})"$/
const bareKey = /^[!#-~][\x21-\x7e]{0,254}$/

/** The draft's string (RFC 9651 §3.3.3), and what most clients send: the same without its quotation marks. */
function nameIn(key: string): string {
  const [, quoted] = quotedKey.exec(key) ?? []
  if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, '$1')
  if (bareKey.test(key)) return key
  return refuseWith('malformed_request', {
    detail: 'An Idempotency-Key is 1 to 255 printable characters, in quotation marks or without.',
  })
}

export function repeat(given: GivenAnswer, key: KeyDigests): Reply {
  if (!key.request.equals(given.requestDigest)) refuseWith('idempotency_key_reused')
  if (given.body !== null)
    return {
      status: given.status,
      headers: { ...neverCached, ...given.headers, 'Idempotency-Replayed': 'true' },
      body: given.body,
    }
  if (given.status === 204) return { status: 204, headers: { 'Idempotency-Replayed': 'true' }, body: '' }
  refuseWith('secret_shown_once', {
    detail: 'If the first answer was lost, remove what it made and make another.',
  })
}

/** A secret is in no kept answer. */
export const keptBody = ({ body, isSecret = false }: Written): string | null =>
  body === null || isSecret ? null : JSON.stringify(body)
