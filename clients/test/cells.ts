// Each client with each of its methods: the right secret or key gives a token, a wrong one is refused in the client's words.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Client } from '../src/client.ts'
import { clients } from '../src/clients/index.ts'
import { oauth4webapi } from '../src/clients/oauth4webapi.ts'
import { openidClient } from '../src/clients/openid-client.ts'
import { pending } from '../src/pending.ts'
import { assertTokenFor, canRun, findings, orderFor, partsOf, refused, running } from './setting.ts'

/** A cell that waits for the server fails as soon as it need not any more. */
async function checkCell(t: TestContext, client: Client, cell: string, check: () => Promise<void>) {
  if (!canRun(t, client)) return
  const name = `${client.name} ${cell}`
  if (!pending.has(name)) {
    await check()
    findings.note(client.name, cell, 'works')
    return
  }
  const works = await check().then(
    () => true,
    () => false,
  )
  assert.ok(!works, `${name} works now: take it out of clients/src/pending.ts`)
  findings.note(client.name, cell, 'not yet')
  t.todo('the server cannot do it yet')
}

for (const client of clients) {
  for (const proof of client.proofs) {
    test(`clients: ${client.name} gets a token with ${proof}, and reports a wrong one`, (t) =>
      checkCell(t, client, proof, async () => {
        const order = orderFor(proof)
        assertTokenFor(order, await client.token(order))
        assert.match(await refused(client.token(orderFor(proof, { isWrong: true }))), client.refusal)
      }))
  }

  for (const way of client.discovery) {
    test(`clients: ${client.name} finds the token endpoint by ${way}`, async (t) => {
      if (!canRun(t, client)) return
      const order = orderFor('client_secret_basic')
      assertTokenFor(order, await client.token(order, way))
    })
  }

  if (client.dpop) {
    test(`clients: ${client.name} gets a token bound to its key, with a nonce and from a FAPI 2.0 tenant`, (t) =>
      checkCell(t, client, 'DPoP', async () => {
        for (const [proof, tenant] of [
          ['client_secret_basic', 'bound'],
          ['private_key_jwt ES256', 'bound'],
          ['private_key_jwt ES256', 'fapi'],
        ] as const) {
          const order = orderFor(proof, { tenant, dpop: true })
          assertTokenFor(order, await client.token(order))
          await assert.rejects(client.token({ ...order, dpop: false }), `${tenant} gave an unbound token`)
        }
      }))
  }
}

/** RFC 8705 §3.1 */
const thumbprintOf = (pem: string): string =>
  Buffer.from(new X509Certificate(pem).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')

const pairs = [
  { proof: 'private_key_jwt ES256', dpop: true },
  { proof: 'private_key_jwt ES256', dpop: false },
  { proof: 'tls_client_auth', dpop: true },
  { proof: 'tls_client_auth', dpop: false },
] as const

for (const client of [openidClient, oauth4webapi]) {
  for (const { proof, dpop } of pairs) {
    const binding = dpop ? 'DPoP' : 'a certificate'
    test(`clients: ${client.name} gets a FAPI 2.0 token with ${proof}, bound by ${binding}`, async () => {
      const certificate = running().material.certificates.authority
      const order = { ...orderFor(proof, { tenant: 'fapi', dpop }), ...(dpop ? {} : { certificate }) }
      const token = await client.token(order)
      assertTokenFor(order, token)
      if (dpop) return
      const { cnf } = partsOf(token.accessToken).claims
      assert.deepEqual(cnf, { 'x5t#S256': thumbprintOf(certificate.cert) })
    })
  }
}

test('clients: what is pending is a cell of the table', () => {
  const cells = clients.flatMap(({ name, proofs }) => [...proofs, 'DPoP'].map((cell) => `${name} ${cell}`))
  assert.deepEqual(
    [...pending].filter((cell) => !cells.includes(cell)),
    [],
  )
})
