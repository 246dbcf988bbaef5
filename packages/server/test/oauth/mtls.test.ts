// trust.md part 2 E 102-104 and part 1 29-30, RFC 8705: a certificate proves its client, and binds its tokens.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { presentCertificate } from '../../src/certificates/presented.ts'
import type { ClientCertificate } from '../../src/http/client-certificate.ts'
import {
  clientAuth,
  cRLSign,
  digitalSignature,
  type Issued,
  issue,
  keyCertSign,
  now,
  serverAuth,
} from '../certificates/issue.ts'
import { authorityName, issueForRobot, type RobotCertificates, robotName } from '../certificates/robot.ts'
import { forEachStore, oneStore, startTestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, freshAddress, grant } from './answers.ts'
import { introspect, resourceServer } from './ends.ts'
import { app, blueprint, type Part, proving, tenant } from './sample.ts'
import { assertionClaims, claimsOf, makeKey, proof, reasonOf, sign, withAssertion } from './signed.ts'

const mtlsUrl = new URL('https://localhost:8444')

const shown = ({ der }: Issued, ...chain: readonly Issued[]): ClientCertificate =>
  presentCertificate(
    der,
    chain.map((each) => each.der),
  )

const named = (id: string, certificate: Part, more: Part = {}): Part =>
  proving(id, 'tls_client_auth', { certificate }, more)
const subjectOf = ({ certificate }: Issued): string => certificate.subjectText

async function start(
  t: TestContext,
  apps: readonly Part[],
  { authority }: RobotCertificates,
  more: Part = {},
  suite = oneStore,
) {
  const settings = { certificate_authorities: [authority.pem], ...more }
  const server = await startTestServer(t, suite, blueprint(tenant('acme', apps, settings)), {}, { mtlsUrl })
  const send = (
    clientId: string,
    certificate: ClientCertificate,
    form: Readonly<Record<string, string>> = {},
  ) =>
    server.token('acme', {
      body: { ...grant, client_id: clientId, ...form },
      certificate,
      clientAddress: freshAddress(),
    })
  return { server, send }
}

forEachStore((_engine, suite) => {
  test('RFC 8705 §2.1.2: a certificate of the tenant’s authority proves by its subject, and by each kind of name', async (t) => {
    const certificates = await issueForRobot()
    const { leaf } = certificates
    const apps = [
      named('by-subject', { subject_dn: subjectOf(leaf) }),
      named('by-dns', { san_dns: 'robot.acme.example' }),
      named('by-uri', { san_uri: 'spiffe://acme.example/robot' }),
      named('by-ip', { san_ip: '192.0.2.7' }),
      named('by-email', { san_email: 'robot@acme.example' }),
      named('by-other', { san_dns: 'other.acme.example' }),
    ]
    const { server, send } = await start(t, apps, certificates, {}, suite)
    for (const id of ['by-subject', 'by-dns', 'by-uri', 'by-ip', 'by-email'])
      assertToken(await send(id, shown(leaf)))
    assertInvalidClient(await send('by-other', shown(leaf)))
    assert.equal(reasonOf(server), 'certificate bears another name')
    assertInvalidClient(await send('nobody', shown(leaf)))
  })
})

test('trust 102-103, trust F30: no certificate, one of another authority, an expired one and a forged header prove nobody', async (t) => {
  const certificates = await issueForRobot()
  const { leaf, authority, intermediate } = certificates
  const [name, purposes] = [robotName, [clientAuth]]
  const { server, send } = await start(t, [named('robot', { subject_dn: subjectOf(leaf) })], certificates)
  assertInvalidClient(await send('robot', null))
  assert.equal(reasonOf(server), 'no client certificate')
  assertInvalidClient(await send('robot', 'malformed'))
  assert.equal(reasonOf(server), 'client certificate malformed')
  const stranger = await issue(null, { name: authorityName, ca: true })
  const day = 86_400
  for (const [bad, chain] of [
    [await issue(stranger, { name, purposes }), [stranger]],
    [await issue(null, { name, purposes }), []],
    [await issue(authority, { name, purposes: [serverAuth] }), []],
    [await issue(authority, { name, purposes, notBeforeAt: now - 2 * day, notAfterAt: now - day }), []],
    [await issue(authority, { name, purposes, notBeforeAt: now + day, notAfterAt: now + 2 * day }), []],
    [await issue(intermediate, { name, purposes }), []],
    [await issue(leaf, { name, purposes }), [leaf]],
  ] as const) {
    assertInvalidClient(await send('robot', shown(bad, ...chain)))
  }
  // The intermediate is believed because the authority has signed it, not because it came along.
  const below = await issue(intermediate, { name, purposes })
  assertToken(await send('robot', shown(below, intermediate)))
  assertToken(await send('robot', shown(leaf)))
})

test('X.509-SVID §4.3, §5.2: a certificate with a SPIFFE ID is a workload’s by its key usage, and by an ID with a path', async (t) => {
  const certificates = await issueForRobot()
  const [id, domain] = ['spiffe://acme.example/robot', 'spiffe://acme.example']
  const apps = [
    named('robot', { san_uri: id }),
    named('domain', { san_uri: domain }),
    named('by-subject', { subject_dn: subjectOf(certificates.leaf) }),
  ]
  const { server, send } = await start(t, apps, certificates)
  const svid = (value: string, more: object = {}) =>
    issue(certificates.authority, {
      ...{ name: robotName, purposes: [clientAuth], names: [{ type: 'url', value }] },
      ...more,
    })
  assertToken(await send('robot', shown(await svid(id, { keyUsage: digitalSignature }))))
  for (const keyUsage of [null, digitalSignature | keyCertSign, digitalSignature | cRLSign]) {
    const unfit = shown(await svid(id, { keyUsage }))
    assertInvalidClient(await send('robot', unfit))
    assert.match(String(reasonOf(server)), /no X.509-SVID/)
    // By another name it is judged as every certificate is.
    assertToken(await send('by-subject', unfit))
  }
  assertInvalidClient(await send('domain', shown(await svid(domain))))
  assert.equal(reasonOf(server), 'certificate of a whole trust domain')
})

test('RFC 8705 §2.2: a self-signed certificate proves whoever registered just that one, while it is good', async (t) => {
  const certificates = await issueForRobot()
  const mine = await issue(null, { name: 'CN=mine', purposes: [clientAuth] })
  const other = await issue(null, { name: 'CN=mine', purposes: [clientAuth] })
  const old = await issue(null, { name: 'CN=old', notBeforeAt: now - 200, notAfterAt: now - 100 })
  const pinned = (id: string, { certificate }: Issued) =>
    proving(id, 'self_signed_tls_client_auth', { certificate: { sha256: certificate.thumbprintSha256 } })
  const { server, send } = await start(t, [pinned('robot', mine), pinned('late', old)], certificates)
  assertToken(await send('robot', shown(mine)))
  assertInvalidClient(await send('robot', shown(other)))
  assertInvalidClient(await send('robot', shown(certificates.leaf)))
  assertInvalidClient(await send('late', shown(old)))
  assert.equal(reasonOf(server), 'certificate expired or not yet valid')
})

test('trust 41: a client registered for certificates cannot use a secret, and another’s certificate proves nothing', async (t) => {
  const certificates = await issueForRobot()
  const { server } = await start(
    t,
    [named('robot', { subject_dn: subjectOf(certificates.leaf) }), app('sync')],
    certificates,
  )
  const [id, secret] = server.credential('acme', 'sync')
  assertInvalidClient(
    await server.token('acme', { basic: ['robot', secret], certificate: shown(certificates.leaf) }),
  )
  assertInvalidClient(
    await server.token('acme', { body: { ...grant, client_id: id }, certificate: shown(certificates.leaf) }),
  )
  // A certificate that nobody asked for may be there for the connection alone.
  const reply = await server.token('acme', { basic: [id, secret], certificate: shown(certificates.leaf) })
  assertToken(reply)
  assert.equal(claimsOf(reply).cnf, undefined)
})

test('RFC 8705 §3.1, trust F29: a bound token names the thumbprint of the certificate it was asked with', async (t) => {
  const certificates = await issueForRobot()
  const { leaf } = certificates
  const apps = [named('robot', { subject_dn: subjectOf(leaf) }), app('sync')]
  const { server, send } = await start(t, apps, certificates, {
    sender_constraint: 'mtls',
    token_reuse: true,
  })
  const reply = await send('robot', shown(leaf))
  assertToken(reply)
  assert.equal(reply.json.token_type, 'Bearer')
  assert.deepEqual(claimsOf(reply).cnf, { 'x5t#S256': leaf.certificate.thumbprintSha256 })
  const basic = server.credential('acme', 'sync')
  assertError(await server.token('acme', { basic }), 'invalid_request')
  const second = await issue(certificates.authority, { name: robotName, purposes: [clientAuth] })
  const renewed = await send('robot', shown(second))
  assert.deepEqual(claimsOf(renewed).cnf, { 'x5t#S256': second.certificate.thumbprintSha256 })
})

test('trust F30: with revocation lists in use, what is revoked or of an unknown list is refused', async (t) => {
  const certificates = await issueForRobot()
  const verdict = { status: 'good' as 'good' | 'revoked' | 'unknown', reason: 'list too old' }
  const text = blueprint(
    tenant('acme', [named('robot', { subject_dn: subjectOf(certificates.leaf) })], {
      certificate_authorities: [certificates.authority.pem],
    }),
  )
  const revocationLists = { isRevoked: () => verdict }
  const server = await startTestServer(t, oneStore, text, {}, { mtlsUrl, revocationLists })
  const send = () =>
    server.token('acme', { body: { ...grant, client_id: 'robot' }, certificate: shown(certificates.leaf) })
  assertToken(await send())
  verdict.status = 'revoked'
  assertInvalidClient(await send())
  verdict.status = 'unknown'
  assertInvalidClient(await send())
  assert.match(String(reasonOf(server)), /list too old/)
})

test('RFC 8705 §3.3, §5: metadata names the methods, the binding and the place where certificates are asked for', async (t) => {
  const certificates = await issueForRobot()
  const { server } = await start(t, [app('sync')], certificates, { hosts: ['auth.acme.example'] })
  const of = async (url: string, host = 'localhost:8443') => (await server.request({ url, host })).json
  const metadata = await of('/.well-known/oauth-authorization-server/acme')
  assert.deepEqual(metadata.mtls_endpoint_aliases, {
    token_endpoint: 'https://localhost:8444/acme/oauth2/token',
    introspection_endpoint: 'https://localhost:8444/acme/oauth2/introspect',
    revocation_endpoint: 'https://localhost:8444/acme/oauth2/revoke',
  })
  assert.equal(metadata.tls_client_certificate_bound_access_tokens, true)
  assert.ok(metadata.token_endpoint_auth_methods_supported.includes('tls_client_auth'))
  assert.ok(metadata.token_endpoint_auth_methods_supported.includes('self_signed_tls_client_auth'))
  const own = await of('/.well-known/oauth-authorization-server', 'auth.acme.example')
  assert.deepEqual(own.mtls_endpoint_aliases, {
    token_endpoint: 'https://auth.acme.example:8444/oauth2/token',
    introspection_endpoint: 'https://auth.acme.example:8444/oauth2/introspect',
    revocation_endpoint: 'https://auth.acme.example:8444/oauth2/revoke',
  })
})

test('RFC 9449 §4.3: a proof for the URL where certificates are asked for is for the same endpoint', async (t) => {
  const certificates = await issueForRobot()
  const { server } = await start(t, [app('sync')], certificates)
  const key = await makeKey()
  const dpop = [await proof(key, server.clock(), { htu: 'https://localhost:8444/acme/oauth2/token' })]
  assertToken(await server.token('acme', { basic: server.credential('acme', 'sync'), dpop }))
})

test('FAPI 2.0 §5.3.2.1: key or certificate, bound to a key or a certificate: all four pairs give a bound token', async (t) => {
  const certificates = await issueForRobot()
  const { leaf } = certificates
  const [key, proofKey] = [await makeKey(), await makeKey()]
  const robot = named('robot', { subject_dn: subjectOf(leaf) })
  const signer = proving('signer', 'private_key_jwt', { public_key: key.publicJwk })
  const { server } = await start(t, [robot, signer], certificates, { security: 'fapi2' })
  const dpop = async () => [await proof(proofKey, server.clock())]
  const assertion = async () => withAssertion(await sign(key, assertionClaims('signer', server.clock())))
  const byCertificate = { body: { ...grant, client_id: 'robot' }, certificate: shown(leaf) }
  const bindings = {
    'private_key_jwt, DPoP': await server.token('acme', { ...(await assertion()), dpop: await dpop() }),
    'private_key_jwt, certificate': await server.token('acme', {
      ...(await assertion()),
      certificate: shown(leaf),
    }),
    'tls_client_auth, DPoP': await server.token('acme', { ...byCertificate, dpop: await dpop() }),
    'tls_client_auth, certificate': await server.token('acme', byCertificate),
  }
  for (const [pair, reply] of Object.entries(bindings)) {
    assertToken(reply)
    const members = Object.keys(claimsOf(reply).cnf ?? {})
    assert.deepEqual(members, [pair.endsWith('DPoP') ? 'jkt' : 'x5t#S256'], pair)
  }
  assertError(await server.token('acme', await assertion()), 'invalid_dpop_proof')
})

test('RFC 8705 §3.1, RFC 9449 §6.1: where tenant and app ask for one binding each, a token has both or is not made', async (t) => {
  const certificates = await issueForRobot()
  const shownLeaf = shown(certificates.leaf)
  const apps = [app('sync', { sender_constraint: 'dpop' })]
  const { server } = await start(t, apps, certificates, { sender_constraint: 'mtls' })
  const key = await makeKey()
  const basic = server.credential('acme', 'sync')
  const dpop = async () => [await proof(key, server.clock())]
  assertError(await server.token('acme', { basic, dpop: await dpop() }), 'invalid_request')
  assertError(await server.token('acme', { basic, certificate: shownLeaf }), 'invalid_dpop_proof')
  const reply = await server.token('acme', { basic, dpop: await dpop(), certificate: shownLeaf })
  assertToken(reply)
  assert.deepEqual(Object.keys(claimsOf(reply).cnf ?? {}), ['jkt', 'x5t#S256'])
})

test('RFC 8705 §3.2, RFC 9449 §6.2: introspection tells the API what a token is bound to', async (t) => {
  const certificates = await issueForRobot()
  const { server } = await start(t, [app('sync'), resourceServer], certificates, { sender_constraint: 'any' })
  const key = await makeKey()
  const basic = server.credential('acme', 'sync')
  const bindings = [
    [{ dpop: [await proof(key, server.clock())] }, 'jkt', 'DPoP'],
    [{ certificate: shown(certificates.leaf) }, 'x5t#S256', 'Bearer'],
  ] as const
  for (const [proven, member, type] of bindings) {
    const reply = await server.token('acme', { basic, ...proven })
    const { json } = await introspect(server, assertToken(reply))
    assert.equal(json.token_type, type)
    assert.deepEqual(json.cnf, claimsOf(reply).cnf)
    assert.deepEqual(Object.keys(json.cnf), [member])
  }
})
