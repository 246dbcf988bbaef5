/** Fault points: something happens just before the n-th statement. */

import type { KyselyPlugin } from 'kysely'

export function atStatement(statement: number, happen: () => void): KyselyPlugin {
  let count = 0
  return {
    transformQuery({ node }) {
      count += 1
      if (count === statement) happen()
      return node
    },
    transformResult: async ({ result }) => result,
  }
}
