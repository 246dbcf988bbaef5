/** Lists in the order in which things were made: where such a list goes on is when and which. */

import type { Page } from './operation.ts'

export const keyByTime = ({ created_at, id }: { readonly created_at: number; readonly id: string }): string =>
  `${created_at} ${id}`

/** Of a key that `keyByTime` has written. */
export function afterByTime({
  after,
}: Page): { readonly createdAt: number; readonly id: string } | undefined {
  if (after === undefined) return undefined
  const [createdAt = '', id = ''] = after.split(' ')
  return { createdAt: Number(createdAt), id }
}
