/** A proof as a body brings it, checked and in the form that is stored: what a blueprint may declare, less its files. */

import { declareCredentials, marksOf } from '../blueprint/declare-credentials.ts'
import type { Path, Problem } from '../blueprint/problem.ts'
import type { ResolvedProof } from '../blueprint/rows.ts'
import type { AppEntry, CredentialEntry, TenantEntry } from '../blueprint/schema.ts'
import { listProofs } from '../store/credentials.ts'
import { checkApp } from './declared.ts'
import type { From } from './operation.ts'
import { type Misfit, refuseWith } from './problem.ts'
import { pointerOf } from './read-input.ts'

export type StoredProof = Exclude<ResolvedProof, { readonly form: 'secret' }>

/** Throws `invalid_body`; what a body holds of a secret is never shown. */
export async function resolveProof(
  tenant: TenantEntry,
  app: AppEntry,
  entry: CredentialEntry,
): Promise<ResolvedProof> {
  checkApp(tenant, { ...app, credentials: [entry] })
  const misfits: Misfit[] = []
  const problem = (path: Path, found: string, expected: string): Problem => {
    misfits.push({ pointer: pointerOf(path), found, expected })
    return { file: '', line: 1, column: 1, path: '', found, expected }
  }
  const [row] = await declareCredentials(
    {
      blueprint: {
        source: { file: '', value: null, problem },
        file: { blueprint: 'management', tenants: [] },
      },
      tenant,
      effects: { environment: {}, readTextFile: noFiles },
      problems: [],
    },
    '',
    { ...app, credentials: [entry] },
    [],
  )
  if (row === undefined || misfits.length > 0)
    refuseWith('invalid_body', { misfits: misfits.map(withoutPrefix) })
  return row.proof
}

const noFiles = (): Promise<string> => Promise.reject(new Error('a body names no files'))

/** The entry stands first in a list of credentials that the body does not have. */
const withoutPrefix = (misfit: Misfit): Misfit => ({
  ...misfit,
  pointer: misfit.pointer.replace(/^\/credentials\/0/, ''),
})

/** Which of two credentials with one key was used, nobody could say. */
export async function refuseSharedProof(
  from: From,
  tenantId: string,
  clientId: string,
  proof: StoredProof,
): Promise<void> {
  const marks = new Set(marksOf(proof).map(([mark]) => mark))
  const others = await listProofs(from, tenantId, clientId, proof.format)
  const other = others.find(({ verifier }) =>
    marksOf({ ...proof, verifier: Buffer.from(verifier) }).some(([mark]) => marks.has(mark)),
  )
  if (other) refuseWith('conflict', { detail: `Credential ${other.id} of this app proves with the same.` })
}
