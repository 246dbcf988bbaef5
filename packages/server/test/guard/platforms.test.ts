// The five platforms' tokens at the door of their APIs: each dialect with just the switches that it takes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blueprintOf, type PlatformName, sharedServer, tokenOf } from '../platforms/platforms.ts'
import { assertAllowed, assertRefused, type GuardedOptions, guardOf } from './guarded.ts'

interface Platform extends Omit<GuardedOptions, 'apiApp'> {
  readonly app: string
  /** One that the app holds, and one that it does not. */
  readonly scope: string
  readonly foreignScope: string
  /** Where the document has its token endpoint, with the credentials in the URL if it wants them there. */
  readonly query?: boolean
}

const platforms = {
  nanotrust: {
    tenantId: 'nanotrust',
    audience: 'https://api.nanotrust.example',
    app: 'catalogue-reader',
    scope: 'public',
    foreignScope: 'profile',
    // HS512: nobody but the issuer has the key.
    introspect: 'always',
  },
  nxtsoft: {
    tenantId: 'nxtsoft',
    audience: 'https://api.nxtsoft.example',
    app: 'payment-poster',
    scope: 'transactions/post',
    foreignScope: 'transactions/mock',
    tokens: {
      issuer: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_u566WmrPK',
      acceptMissing: ['typ', 'aud'],
      require: { token_use: 'access' },
    },
  },
  nitrobox: {
    tenantId: 'nitrobox',
    audience: 'https://api.nitrobox.example',
    app: 'invoice-archive',
    scope: 'invoices/read',
    foreignScope: 'invoices/write',
  },
  token: {
    tenantId: 'token',
    audience: 'https://developers.token-project.eu',
    app: 'stamp-reader',
    scope: 'notarization:read',
    foreignScope: 'storage:read',
    query: true,
    tokens: {
      type: 'jwt',
      acceptMissing: ['kid', 'iss', 'exp', 'jti'],
      claimNames: { clientId: 'sub' },
    },
  },
  tokenos: {
    tenantId: 'tokenos',
    audience: 'https://api.tokenos.example',
    app: 'dashboard-reader',
    scope: 'read',
    foreignScope: 'write',
  },
} as const satisfies Record<PlatformName, Platform>

const server = sharedServer(Object.keys(platforms).map((name) => blueprintOf(name as PlatformName)))

async function tokenFor({ tenantId, app, query }: Platform): Promise<string> {
  const [id, secret] = server().credential(tenantId, app)
  if (query !== true) return tokenOf(await server().token(tenantId, { basic: [id, secret] }))
  const url = `/auth/token?key=${id}&secret=${secret}`
  return tokenOf(await server().request({ method: 'POST', host: 'api.token.localhost:8443', url }))
}

test('002-05: a token of the live tenant opens nothing at the API of the test tenant, and the other way round', async (t) => {
  const { app, scope, foreignScope: _foreign, ...terms } = platforms.nitrobox
  const environments = { nitrobox: app, 'nitrobox-live': 'billing-sync' }
  for (const [own, other] of [
    ['nitrobox', 'nitrobox-live'],
    ['nitrobox-live', 'nitrobox'],
  ] as const) {
    const { check } = guardOf(t, server(), { ...terms, tenantId: own, apiApp: 'resource-server' })
    const tokenOfApp = async (tenantId: typeof own) =>
      tokenOf(
        await server().token(tenantId, { basic: server().credential(tenantId, environments[tenantId]) }),
      )
    assertAllowed(await check(await tokenOfApp(own), scope))
    assertRefused(await check(await tokenOfApp(other), scope), 'key_unknown')
  }
})

for (const [name, platform] of Object.entries<Platform>(platforms)) {
  const { app: _app, scope, foreignScope, query: _query, ...terms } = platform
  const options = { ...terms, apiApp: 'resource-server' }

  test(`${name}: its tokens open what they say, and nothing else`, async (t) => {
    const token = await tokenFor(platform)
    const { check } = guardOf(t, server(), options)
    const allowed = await check(token, scope)
    assertAllowed(allowed)
    assert.equal(allowed.access?.clientId, server().credential(name, platform.app)[0])
    // A second time from memory.
    assertAllowed(await check(token, scope))
    assertRefused(await check(token, foreignScope), 'insufficient_scope')
  })

  test(`trust 20: no other platform's token opens ${name}`, async (t) => {
    const { check } = guardOf(t, server(), options)
    for (const [other, stranger] of Object.entries<Platform>(platforms)) {
      if (other === name) continue
      const decision = await check(await tokenFor(stranger), scope)
      assert.ok(!decision.isAllowed, other)
      assert.equal(decision.status, 401, other)
    }
  })

  if (terms.tokens !== undefined) {
    test(`${name}: without one of its switches its tokens are refused`, async (t) => {
      const token = await tokenFor(platform)
      for (const missing of terms.tokens?.acceptMissing ?? []) {
        const acceptMissing = terms.tokens?.acceptMissing?.filter((one) => one !== missing) ?? []
        const { check } = guardOf(t, server(), { ...options, tokens: { ...terms.tokens, acceptMissing } })
        const decision = await check(token, scope)
        assert.ok(!decision.isAllowed, `${missing} must be a switch that counts`)
      }
    })
  }
}
