/** `sallyport dev` and keys that are published on a private address: fetched where the environment allows it. */

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { assertionClaims, jwtBearer, makeKey, sign } from '../oauth/signed.ts'
import { startHost } from '../outbound/https-host.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { ready, startIn, useFirstStart } from './first-start.ts'
import { ask, freePorts, run } from './processes.ts'

const first = useFirstStart()

test('trust 67: dev fetches keys from the private addresses that the environment allows, over the authority it names', async (t) => {
  const folder = first().copyFor(t)
  const key = await makeKey()
  const host = await startHost(t, ['127.0.0.1'], (_request, response) =>
    response.end(JSON.stringify({ keys: [{ ...key.publicJwk, kid: 'one' }] })),
  )
  const authority = join(folder, 'authority.pem')
  writeFileSync(authority, host.authority)
  const credentials = [{ id: 'keys', jwks_uri: `https://127.0.0.1:${host.port}/jwks` }]
  const robot = app('robot', { client_id: 'robot', client_authentication: ['private_key_jwt'], credentials })
  const file = join(folder, 'blueprint.yaml')
  writeFileSync(file, blueprint(tenant('acme', [robot])))
  const environment = {
    SALLYPORT_OUTBOUND_ALLOWED_NETWORKS: '127.0.0.1',
    SALLYPORT_OUTBOUND_CA_FILE: authority,
  }
  const applied = await run(['apply', '--data', folder, file], { environment })
  assert.equal(applied.code, 0, applied.stderr)
  const [port = 0] = await freePorts(1)
  const running = startIn(t, folder, { port, environment })
  await running.says(ready(port))
  const issuer = `https://localhost:${port}/acme`
  const claims = assertionClaims('robot', Math.floor(Date.now() / 1000), { aud: issuer })
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: jwtBearer,
    client_assertion: await sign(key, claims, { kid: 'one' }),
  })
  const { status, text } = await ask(`${issuer}/oauth2/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: body.toString(),
    ca: join(folder, 'ca.pem'),
  })
  assert.equal(status, 200, `${text} ${running.stdout()} ${running.stderr()}`)
})

test('contract: an outbound setting that dev cannot use is refused before anything is made; other settings are not its own', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  const [port = 0] = await freePorts(1)
  const environment = { SALLYPORT_OUTBOUND_CA_FILE: join(folder, 'none.pem'), SALLYPORT_PORTT: 'x' }
  const { code, stderr } = await run(['dev', '--port', `${port}`, '--data', folder], { environment })
  assert.equal(code, 2)
  assert.match(stderr, /^outbound_ca_file: \S+none\.pem cannot be read as certificates in PEM\.\n$/)
  assert.equal(existsSync(folder), false)
})
