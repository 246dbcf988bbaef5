/** Blueprints of many apps: what they are compared with is walked through, never once more for each row. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAgainstStore } from '../../src/blueprint/check-store.ts'
import type { Declared, DeclaredRow, Stored, StoredRow } from '../../src/blueprint/rows.ts'
import { parsed, sample } from './sample.ts'

const [blueprint] = parsed(sample)
assert.ok(blueprint)
const fromOne = { blueprint, path: ['tenants', 0], tenantId: 'shop' }
const secretJwt = { client_authentication: ['client_secret_jwt'] }

function declaredRows(index: number): DeclaredRow[] {
  const api: Declared<'api'> = {
    ...{ ...fromOne, noun: 'api', address: `shop/rest-${index}`, settings: {} },
    fields: { id: `rest-${index}`, audience: `https://api.shop.example/${index}` },
  }
  const [id, clientId] = [`app-${index}`, `client-${index}`]
  const app: Declared<'app'> = {
    ...{ ...fromOne, noun: 'app', address: `shop/acme/${id}`, settings: secretJwt },
    fields: { id, name: id, organization: 'acme', client_id: clientId },
  }
  const credential: Declared<'credential'> = {
    ...{ ...fromOne, noun: 'credential', address: `${app.address}/main`, settings: {} },
    fields: { id: 'main', appId: id, expires_at: null },
    proof: { form: 'secret', secret: { kind: 'kept' }, isSealed: true },
  }
  return [api, app, credential]
}

/** What is declared, an app that somebody else has made, and an app and an API that are no longer declared. */
function storedRows(index: number): { readonly kept: StoredRow[]; readonly gone: StoredRow[] } {
  const common = { tenantId: 'shop', owner: 'shop', disabledAt: null, settings: {} }
  const api = (id: string): Stored<'api'> => ({
    ...{ ...common, noun: 'api', address: `shop/${id}` },
    fields: { id, audience: `https://api.shop.example/${id.replace('rest-', '')}` },
  })
  const app = (id: string, clientId: string): Stored<'app'> => ({
    ...{ ...common, noun: 'app', address: `shop/acme/${id}`, clientId, settings: secretJwt },
    fields: { id, name: id, organization: 'acme', client_id: clientId },
  })
  const clientId = `client-${index}`
  const credential: Stored<'credential'> = {
    ...{ ...common, noun: 'credential', address: `shop/acme/app-${index}/main`, exposedAt: null },
    fields: { id: 'main', appId: `app-${index}`, expires_at: null },
    verifier: {
      ...{ clientId, id: 'main', format: 'hmac-sha256', verifier: Buffer.alloc(32), pepperVersion: 1 },
      ...{ sealedSecret: Buffer.alloc(32), origin: null },
    },
  }
  return {
    kept: [
      ...[api(`rest-${index}`), app(`app-${index}`, clientId), credential],
      { ...app(`others-${index}`, `others-${index}`), owner: null },
    ],
    gone: [api(`old-${index}`), app(`former-${index}`, `former-${index}`)],
  }
}

/** How often the check looks at a member of a row. */
function looksAt(count: number): number {
  let looks = 0
  const counted = <Row extends object>(row: Row): Row =>
    new Proxy(row, {
      get(of, name) {
        looks += 1
        return Reflect.get(of, name)
      },
    })
  const indexes = Array.from({ length: count }, (_, index) => index)
  const removed = indexes.flatMap((index) => storedRows(index).gone).map(counted)
  const problems = checkAgainstStore({
    ...{ blueprints: [blueprint ?? assert.fail()], adopt: false, hostHolders: new Map(), removed },
    declared: indexes.flatMap(declaredRows).map(counted),
    stored: [...indexes.flatMap((index) => storedRows(index).kept).map(counted), ...removed],
  })
  assert.deepEqual(problems, [])
  return looks
}

test('blueprints: twice as many rows are twice the work to check, whether they stay or go', () => {
  const [once, twice] = [looksAt(100), looksAt(200)]
  assert.ok(twice <= 2 * once, `${once} looks at the rows of 100 apps, ${twice} at those of 200`)
})
