/** A plan in words: + ~ - lines, in short or with every value, and what is left alone and why. */

import type { Comparison, Step } from './compare.ts'
import { differenceText } from './differences.ts'
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

export const formatPlan = (plan: Comparison): string => withLeft(plan, plan.steps.map(formatStep))

/** Each value that changes on a line of its own, and whole. */
export const formatDiff = (plan: Comparison): string => withLeft(plan, plan.steps.flatMap(diffLines))

function diffLines(step: Step): string[] {
  if (step.sign !== '~') return [formatStep(step)]
  const { declared, remarks, differences } = step
  const head = `~ ${declared.noun} ${declared.address}${remarks.length > 0 ? ` (${remarks.join(', ')})` : ''}`
  return [head, ...differences.map((one) => `    ${differenceText(one)}`)]
}

function withLeft({ left }: Comparison, stepLines: readonly string[]): string {
  const leftLines = left.map(
    ({ noun, address, owner }) =>
      `  ${noun} ${address} is no longer in blueprint ${owner}: --prune removes it`,
  )
  const lines = stepLines.length === 0 ? ['Nothing to do: the store is as the blueprints say.'] : stepLines
  return [...lines, ...leftLines].join('\n')
}
