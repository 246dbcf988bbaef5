/** A small blueprint for tests, and the ways to read, plan and apply it. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { applyPlan } from '../../src/blueprint/apply.ts'
import type { Blueprint } from '../../src/blueprint/blueprint.ts'
import { formatPlan } from '../../src/blueprint/format-plan.ts'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { type Plan, type PlanOptions, planBlueprints } from '../../src/blueprint/plan.ts'
import { formatProblem } from '../../src/blueprint/problem.ts'
import { createSealer, type Sealer } from '../../src/keys/sealing.ts'
import { createSecretHasher, type SecretHasher } from '../../src/keys/secret-hasher.ts'
import { findAppById, findClient, type NewApp, saveApp } from '../../src/store/apps.ts'
import type { Database } from '../../src/store/database.ts'

export const sample = `blueprint: shop
tenants:
  - id: shop
    name: Shop
    environment: test
    hosts: [auth.shop.example]
    token_reuse: false
    apis:
      - id: rest
        audience: https://api.shop.example
        scopes:
          orders/read: Read orders
          storage:*: Everything about storage
    plans:
      - id: free
        price: free
    organizations:
      - id: acme
        name: Acme
        plan: free
        apps:
          - id: sync
            name: Sync
            scopes: {rest: [orders/read, storage:read]}
            credentials:
              - id: main
                secret: generated
`

/** The sample with one place changed; the place must be there once. */
export function changed(from: string, to: string, text = sample): string {
  assert.equal(text.split(from).length, 2, `${JSON.stringify(from)} must stand once in the sample`)
  return text.replace(from, () => to)
}

/** The lines that refuse a file. */
export function refusals(...texts: readonly string[]): string[] {
  const files = texts.map((text, index) => ({ name: `${'abc'[index]}.yaml`, text }))
  return (parseBlueprints(files).problems ?? []).map(formatProblem)
}

export function parsed(...texts: readonly string[]): readonly Blueprint[] {
  const { blueprints, problems } = parseBlueprints(
    texts.map((text, index) => ({ name: `folder/${'abc'[index]}.yaml`, text })),
  )
  assert.ok(blueprints, problems?.map(formatProblem).join('\n'))
  return blueprints
}

export interface Bench {
  readonly db: Database
  readonly hasher: SecretHasher
  readonly sealer: Sealer
  environment: Record<string, string>
  files: Record<string, string>
}

export async function createBench(db: Database): Promise<Bench> {
  const sealer = createSealer([randomBytes(32)], randomBytes)
  const hasher = await createSecretHasher(db, sealer, randomBytes)
  return { db, hasher, sealer, environment: {}, files: {} }
}

export function planned(
  { db, hasher, environment, files }: Bench,
  blueprints: readonly Blueprint[],
  asked: Asked = {},
) {
  const readTextFile = async (path: string) => {
    const text = files[path]
    if (text === undefined) throw new Error('no such file')
    return text
  }
  return planBlueprints(db, blueprints, { ...asked, hasher, environment, readTextFile })
}

/** `true` is to prune. */
type Asked = Pick<PlanOptions, 'prune' | 'adopt'>
const askedOf = (asked: boolean | Asked): Asked => (typeof asked === 'boolean' ? { prune: asked } : asked)

export async function planOf(
  bench: Bench,
  texts: readonly string[],
  asked: boolean | Asked = {},
): Promise<Plan> {
  const { plan, problems } = await planned(bench, parsed(...texts), askedOf(asked))
  assert.ok(plan, problems?.map(formatProblem).join('\n'))
  return plan
}

/** Applies, and gives the lines shown and the secrets generated. */
export async function applied(bench: Bench, texts: readonly string[], asked: boolean | Asked = {}) {
  const plan = await planOf(bench, texts, asked)
  const { generated } = await applyPlan(bench.db, plan, { random: randomBytes, ...bench })
  return { lines: formatPlan(plan).split('\n'), generated }
}

export async function planRefusals(bench: Bench, texts: readonly string[], prune = false): Promise<string[]> {
  const { problems } = await planned(bench, parsed(...texts), { prune })
  return (problems ?? []).map(formatProblem)
}

/** What token requests see of the sample's app. */
export async function syncClient(db: Database) {
  const app = await findAppById(db, 'shop', 'sync')
  assert.ok(app)
  const client = await findClient(db, 'shop', app.clientId)
  assert.ok(client)
  return client
}

/** An app of the sample's organization that no blueprint has made. */
export const saveByHand = (db: Database, changes: Partial<NewApp> = {}): Promise<void> =>
  db.write((tx) =>
    saveApp(tx, 'shop', {
      ...{ clientId: 'byhand', id: 'byhand', organizationId: 'acme', name: 'By hand', settings: {} },
      ...changes,
    }),
  )
