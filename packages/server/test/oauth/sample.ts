/** Blueprints of the token endpoint's tests as objects: JSON is YAML, so each test says only what it is about. */

export type Part = Readonly<Record<string, unknown>>

export const generated = [{ id: 'main', secret: 'generated' }]

export const app = (id: string, more: Part = {}): Part => ({
  id,
  name: `The ${id}`,
  scopes: { rest: ['read', 'write'] },
  credentials: generated,
  ...more,
})

/** An app that has one way to prove who it is, and one credential for it. */
export const proving = (id: string, method: string, credential: Part, more: Part = {}): Part =>
  app(id, {
    client_id: id,
    client_authentication: [method],
    credentials: [{ id: 'main', ...credential }],
    ...more,
  })

export const organization = (id: string, apps: readonly Part[], more: Part = {}): Part => ({
  id,
  name: `The ${id}`,
  apps,
  ...more,
})

export const restApi: Part = {
  id: 'rest',
  audience: 'https://api.acme.example',
  scopes: { read: 'Read', write: 'Write' },
}

export const tenant = (id: string, apps: readonly Part[], more: Part = {}): Part => ({
  id,
  name: `The ${id}`,
  environment: 'test',
  apis: [restApi],
  organizations: [organization('customer', apps)],
  ...more,
})

export const blueprint = (...tenants: readonly Part[]): string =>
  JSON.stringify({ blueprint: 'tests', tenants })
