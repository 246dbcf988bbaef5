// A database that counts how often it is read, for answers that must not tell by their cost what is there.
import type { KyselyPlugin } from 'kysely'
import type { Database } from '../../src/store/database.ts'

export interface CountedReads {
  readonly kysely: Database['kysely']
  readonly count: () => number
}

export function countReads({ kysely }: Database): CountedReads {
  let reads = 0
  const counting: KyselyPlugin = {
    transformQuery({ node }) {
      reads += 1
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return { kysely: kysely.withPlugin(counting), count: () => reads }
}
