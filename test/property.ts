/**
 * fast-check as all property tests here use it: the same examples each time, so that what fails in `npm test` is due to a
 * change. `npm run test:long` tries others, and many more of them.
 */
import { assert as assertProperty, type IAsyncProperty, type IProperty, type Parameters } from 'fast-check'
import { isLong, times } from './length.ts'

export * from 'fast-check'

const usualRuns = 100

/** As fast-check's own. With the `seed` and `path` that a failure names among `parameters` it fails again. */
export function assert<Ts>(property: IAsyncProperty<Ts>, parameters?: Parameters<Ts>): Promise<void>
export function assert<Ts>(property: IProperty<Ts>, parameters?: Parameters<Ts>): void
export function assert<Ts>(
  property: IAsyncProperty<Ts> | IProperty<Ts>,
  parameters: Parameters<Ts> = {},
): Promise<void> | void {
  const numRuns = (parameters.numRuns ?? usualRuns) * times(1, 20)
  return assertProperty(property, { ...(!isLong && { seed: 1 }), ...parameters, numRuns })
}
