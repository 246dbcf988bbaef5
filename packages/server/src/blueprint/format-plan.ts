/** A plan in words: + ~ - lines, and what is left alone and why. */

import type { Comparison, Step } from './compare.ts'
import { formOfFormat, formWords } from './proof.ts'
import type { DeclaredRow, StoredRow } from './rows.ts'

export const formatSteps = (steps: readonly Step[]): string => steps.map(formatStep).join('\n')

function formatStep(step: Step): string {
  const row = step.sign === '-' ? step.stored : step.declared
  return `${step.sign} ${row.noun} ${row.address}${remark(step)}`
}

function remark(step: Step): string {
  if (step.sign === '~') return ` (${step.notes.join(', ')})`
  const what = step.sign === '+' ? addedProof(step.declared) : removedProof(step.stored)
  return what === null ? '' : ` (${what})`
}

function addedProof(row: DeclaredRow): string | null {
  if (row.noun !== 'credential') return null
  const isGenerated = row.proof.form === 'secret' && row.proof.secret.kind === 'generated'
  return isGenerated ? 'generated' : formWords[row.proof.form]
}

const removedProof = (row: StoredRow): string | null =>
  row.noun === 'credential' ? formWords[formOfFormat(row.verifier.format)] : null

export function formatPlan({ steps, left }: Comparison): string {
  const leftLines = left.map(
    ({ noun, address, owner }) =>
      `  ${noun} ${address} is no longer in blueprint ${owner}: --prune removes it`,
  )
  const stepLines =
    steps.length === 0 ? ['Nothing to do: the store is as the blueprints say.'] : steps.map(formatStep)
  return [...stepLines, ...leftLines].join('\n')
}
