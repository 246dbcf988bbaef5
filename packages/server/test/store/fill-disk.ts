/** A process whose files may grow no further, as on a full disk, until the limit is lifted; reports what it saw. */

import { execFileSync } from 'node:child_process'
import { findClient } from '../../src/store/apps.ts'
import { createSingleUse } from '../../src/store/single-use.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { saveTenant } from '../../src/store/tenants.ts'
import { numberedUse } from './numbered-use.ts'

const [file = ''] = process.argv.slice(2)
const db = await openSqlite({ file, clock: () => 0, synchronous: 'off' })
const save = (tenantId: string) =>
  db.write((tx) => saveTenant(tx, tenantId, { name: 'x'.repeat(50_000), environment: 'test', settings: {} }))
const limitFileSize = (limit: string) =>
  execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${limit}:`])

limitFileSize('400000')
let failed = ''
for (let n = 0; n < 50 && !failed; n += 1) {
  await save(`tenant-${n}`).catch((error: Error) => {
    failed = error.name
  })
}
const { use } = createSingleUse(db)
let useFailed = ''
for (let batch = 0; batch < 50 && !useFailed; batch += 1) {
  await Promise.all(Array.from({ length: 500 }, (_, one) => use(numberedUse(batch * 500 + one)))).catch(
    (error: Error) => {
      useFailed = error.name
    },
  )
}
const readable = (await findClient(db, 'a', 'client-1')) !== null
limitFileSize('unlimited')
await save('after')
const healed = db.changes.lastSeq > 0 && (await use(numberedUse(-1)))
await db.close()
console.log(JSON.stringify({ failed, useFailed, readable, healed }))
