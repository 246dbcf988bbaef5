/** What the audit chain says of a signing key: which one it is, the state that it has left, and the one it has come to. */

import type { Actor } from '../store/audit-records.ts'
import type { WriteTransaction } from '../store/database.ts'
import type { SigningKeyRecord, SigningKeyState } from '../store/signing-keys.ts'

export interface KeyChange extends Pick<SigningKeyRecord, 'kid' | 'algorithm' | 'apiId'> {
  /** Null for a key that was made. */
  readonly from: SigningKeyState | null
  readonly to: SigningKeyState
  /** Where all that it has signed until then is dead. */
  readonly revokedUntil?: number
}

export interface KeyPlace {
  readonly tenantId: string
  /** Left out, the server has done it by itself. */
  readonly by: Actor | undefined
}

export function recordKeyChanges(
  tx: WriteTransaction,
  { tenantId, by = 'server' }: KeyPlace,
  changes: readonly KeyChange[],
): void {
  for (const { kid, algorithm, apiId, from, to, revokedUntil } of changes) {
    const key = { algorithm, api: apiId }
    const revoked = revokedUntil === undefined ? {} : { issued_until: revokedUntil }
    tx.audit({
      ...{ tenantId, actor: by, action: actionOf(from, revokedUntil), target: `signing key ${kid}` },
      before: from && JSON.stringify({ ...key, state: from }),
      after: JSON.stringify({ ...key, state: to, ...revoked }),
    })
  }
}

function actionOf(from: SigningKeyState | null, revokedUntil: number | undefined): string {
  if (from === null) return 'createSigningKey'
  return revokedUntil === undefined ? 'moveSigningKey' : 'revokeSigningKey'
}

/** For how long its tokens may live, which says how long it is kept. */
export function recordProlonged(
  tx: WriteTransaction,
  { tenantId, by = 'server' }: KeyPlace,
  { kid, longestTokenSeconds }: Pick<SigningKeyRecord, 'kid' | 'longestTokenSeconds'>,
  longest: number | null,
): void {
  const state = (seconds: number | null) => JSON.stringify({ longest_token_seconds: seconds })
  tx.audit({
    ...{ tenantId, actor: by, action: 'prolongSigningKey', target: `signing key ${kid}` },
    before: state(longestTokenSeconds),
    after: state(longest),
  })
}
