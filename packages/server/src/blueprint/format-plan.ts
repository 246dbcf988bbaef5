/** A plan in words: + ~ - lines, and what is left alone and why. */

import type { Comparison, Step } from './compare.ts'

export const formatSteps = (steps: readonly Step[]): string => steps.map(formatStep).join('\n')

function formatStep(step: Step): string {
  const row = step.sign === '-' ? step.stored : step.declared
  return `${step.sign} ${row.noun} ${row.address}${remark(step)}`
}

function remark(step: Step): string {
  if (step.sign === '~') return ` (${step.notes.join(', ')})`
  const isGenerated =
    step.sign === '+' && step.declared.noun === 'credential' && step.declared.secret.kind === 'generated'
  return isGenerated ? ' (generated)' : ''
}

export function formatPlan({ steps, left }: Comparison): string {
  const leftLines = left.map(
    ({ noun, address, owner }) =>
      `  ${noun} ${address} is no longer in blueprint ${owner}: --prune removes it`,
  )
  const stepLines =
    steps.length === 0 ? ['Nothing to do: the store is as the blueprints say.'] : steps.map(formatStep)
  return [...stepLines, ...leftLines].join('\n')
}
