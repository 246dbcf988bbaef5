/** A second process on one SQLite file: writes the tenant it is told to, and ends. */

import { openSqlite } from '../../src/store/sqlite.ts'
import { saveTenant } from '../../src/store/tenants.ts'

const [file = '', tenantId = ''] = process.argv.slice(2)
const db = await openSqlite({ file, clock: () => Math.floor(Date.now() / 1000), synchronous: 'off' })
await db.write((tx) => saveTenant(tx, tenantId, { name: tenantId, environment: 'test', settings: {} }))
await db.close()
