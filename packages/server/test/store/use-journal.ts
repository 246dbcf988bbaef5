/** A process that uses one digest after another and writes each number to stdout once it is told `true`, until it is killed. */

import { writeSync } from 'node:fs'
import { createSingleUse } from '../../src/store/single-use.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { numberedUse } from './numbered-use.ts'

const [file = ''] = process.argv.slice(2)
const db = await openSqlite({ file, clock: () => Math.floor(Date.now() / 1000) })
const { use } = createSingleUse(db)
for (let number = 0; ; number += 4) {
  const numbers = [number, number + 1, number + 2, number + 3]
  const answers = await Promise.all(numbers.map((one) => use(numberedUse(one))))
  // At once and whole: what stands in the journal has been answered.
  for (const [index, isFirst] of answers.entries()) if (isFirst) writeSync(1, `${numbers[index]}\n`)
}
