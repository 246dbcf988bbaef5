/** A proof as a body brings it, checked and in the form that is stored: what a blueprint may declare, less its files. */

import { mostOfForms, mostSlowHashes } from '../blueprint/check-credentials.ts'
import { declareCredentials, marksOf } from '../blueprint/declare-credentials.ts'
import type { Path, Problem } from '../blueprint/problem.ts'
import type { ResolvedProof } from '../blueprint/rows.ts'
import type { AppEntry, CredentialEntry, TenantEntry } from '../blueprint/schema.ts'
import { foreignFormats, isForeignFormat } from '../keys/imported/formats.ts'
import { listProofs, type StoredProof } from '../store/credentials.ts'
import { checkCredential } from './declared.ts'
import type { From } from './operation.ts'
import { type Misfit, refuseWith } from './problem.ts'
import { pointerOf } from './read-input.ts'

type OtherProof = Exclude<ResolvedProof, { readonly form: 'secret' }>

/** Throws `invalid_body`; what a body holds of a secret is never shown. */
export async function resolveProof(
  tenant: TenantEntry,
  app: AppEntry,
  entry: CredentialEntry,
): Promise<ResolvedProof> {
  checkCredential(tenant, app, entry)
  const misfits: Misfit[] = []
  const problem = (path: Path, found: string, expected: string): Problem => {
    misfits.push({ pointer: pointerOf(path), found, expected })
    return { ...nowhere, found, expected }
  }
  const [row] = await declareCredentials(
    {
      blueprint: {
        source: {
          ...{ file: '', value: null, problem },
          warning: (_path, sentence) => ({ ...nowhere, sentence }),
        },
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

const nowhere = { file: '', line: 1, column: 1, path: '' }

const noFiles = (): Promise<string> => Promise.reject(new Error('a body names no files'))

/** The entry stands first in a list of credentials that the body does not have. */
const withoutPrefix = (misfit: Misfit): Misfit => ({
  ...misfit,
  pointer: misfit.pointer.replace(/^\/credentials\/0/, ''),
})

/** Throws `conflict` where what the app has already does not go with it: the same key, or more than one attempt may cost. */
export async function checkBeside(
  from: From,
  tenantId: string,
  clientId: string,
  proof: ResolvedProof,
): Promise<void> {
  const others = await listProofs(from, tenantId, clientId)
  if (proof.form !== 'secret') return refuseShared(proof, others)
  const slow = others.filter(isSlow).length
  if (proof.secret.kind === 'hash' && isSlow(proof.secret) && slow >= mostSlowHashes)
    refuseWith('conflict', { detail: `The app has ${slow} secrets as slow hashes already.` })
}

const isSlow = ({ format, verifier }: Pick<StoredProof, 'format' | 'verifier'>): boolean =>
  isForeignFormat(format) && foreignFormats[format].open(Buffer.from(verifier)).isSlow

/** Which of two credentials with one key was used, nobody could say. */
function refuseShared(proof: OtherProof, others: readonly StoredProof[]): void {
  const alike = others.filter(({ format }) => format === proof.format)
  const marks = new Set(marksOf(proof).map(([mark]) => mark))
  const shared = alike.find(({ verifier }) =>
    marksOf({ ...proof, verifier: Buffer.from(verifier) }).some(([mark]) => marks.has(mark)),
  )
  if (shared) refuseWith('conflict', { detail: `Credential ${shared.id} of this app proves with the same.` })
  const most = (mostOfForms as Readonly<Record<string, number>>)[proof.form]
  if (most !== undefined && alike.length >= most)
    refuseWith('conflict', { detail: `An app has at most ${most} credentials of this kind.` })
}
