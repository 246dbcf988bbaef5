/** A process that makes apps and rotates secrets, and writes each to stdout once it is done, until it is killed. */
import { writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { addSecret, rotateSecret } from '../../src/apps/secrets.ts'
import { systemEffects } from '../../src/effects.ts'
import { openStore, type StoreLocation } from '../../src/open-store.ts'
import { saveApp } from '../../src/store/apps.ts'
import type { Managed } from './journal.ts'

const [location = '{}'] = process.argv.slice(2)
const { db, hasher, sealer } = await openStore(JSON.parse(location) as StoreLocation, systemEffects)
const deps = { hasher, sealer, random: systemEffects.random }
const settings = { scopes: { rest: ['read'] } }

function secretOf(name: string) {
  const app = { clientId: `${name}-${process.pid}`, settings }
  return { tenantId: 'acme', environment: 'test', app, expiresAt: null } as const
}

const makeApp = (name: string) =>
  db.write(async (tx) => {
    const secret = secretOf(name)
    const { clientId } = secret.app
    await saveApp(tx, 'acme', { clientId, id: clientId, organizationId: 'customer', name, settings })
    return addSecret(tx, secret, deps)
  })

// At once and whole: what stands in the journal has been done.
const done = (managed: Managed) => writeSync(1, `${JSON.stringify(managed)}\n`)

// One who never lets go of SQLite's one lock leaves nothing to the server whose writes are to be seen too.
const pauseMilliseconds = 20

for (let number = 0; ; number += 1) {
  const { clientId, clientSecret } = await makeApp(`made-${number}`)
  done({ good: [clientId, clientSecret], ended: null })
  await wait(pauseMilliseconds)
  const old = await makeApp(`rotated-${number}`)
  const { made } = await db.write((tx) => rotateSecret(tx, secretOf(`rotated-${number}`), 0, deps))
  done({ good: [made.clientId, made.clientSecret], ended: [old.clientId, old.clientSecret] })
  await wait(pauseMilliseconds)
}
