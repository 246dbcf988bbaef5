/** The table of refusals in docs/authentication.md is true: each row is provoked, and answer and reason are what it says. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { OAuthError } from '../packages/protocol/src/index.ts'
import { presentCertificate } from '../packages/server/src/certificates/presented.ts'
import type { RevocationVerdict } from '../packages/server/src/certificates/revocation-files.ts'
import {
  type Issued,
  type IssueOptions,
  issue,
  keyCertSign,
  serverAuth,
  x509,
} from '../packages/server/test/certificates/issue.ts'
import type { TestReply, TestRequest } from '../packages/server/test/harness.ts'
import { freshAddress } from '../packages/server/test/oauth/answers.ts'
import { setDisabled } from '../packages/server/test/oauth/rows.ts'
import {
  assertionClaims,
  jwtBearer,
  type Members,
  makeKey,
  proof,
  reasonOf,
  saveKey,
  sign,
  withAssertion,
} from '../packages/server/test/oauth/signed.ts'
import { textOf } from './document-commands.ts'
import { type RefusalsWorld, saveLeftover, startRefusalsWorld } from './refusals-doc-world.ts'

const document = 'docs/authentication.md'

interface Row {
  readonly answer: string
  readonly reason: string
}

/** Of the last table, whose second column is what the log says. */
function documentedRows(): Row[] {
  const rows = textOf(document).matchAll(/^\| (\d{3}) `(\w+)` \| `(.+?)` \| .+ \|$/gm)
  return [...rows].map(([, status, code, reason = '']) => ({ answer: `${status} ${code}`, reason }))
}

type Request = Omit<TestRequest, 'url'>
type Provoke = () => Promise<TestReply>

const weakRsa = {
  ...{ name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, hash: 'SHA-256' },
  publicExponent: new Uint8Array([1, 0, 1]),
}

const hostName = {
  names: [{ type: 'dns', value: 'billing.first-partner.example' }],
} as const satisfies IssueOptions

function casesOf({ server, key, stranger, authority, judgeNext }: RefusalsWorld): Record<string, Provoke> {
  const now = server.clock()
  const grant = { grant_type: 'client_credentials' }
  const ask = (tenant: string, request: Request) =>
    server.token(tenant, { clientAddress: freshAddress(), ...request })
  const post = (tenant: string, form: Readonly<Record<string, string>>, more: Request = {}) =>
    ask(tenant, { body: { ...grant, ...form }, ...more })
  const claims = (clientId: string, tenant: string, changes: Members = {}) =>
    assertionClaims(clientId, now, { aud: `https://localhost:8443/${tenant}`, ...changes })
  const assertion = (changes: Members = {}, by = key) => sign(by, claims('nightly-sync', 'keys', changes))
  const sync = async (changes: Members = {}, by = key) =>
    ask('keys', withAssertion(await assertion(changes, by)))
  const fapi = async (more: Request = {}) =>
    ask('fapi', { ...withAssertion(await sign(key, claims('aggregator', 'fapi'))), ...more })
  const fapiProof = async (changes: Members = {}) => ({
    dpop: [await proof(key, now, { htu: 'https://localhost:8443/fapi/oauth2/token', ...changes })],
  })
  const keysProof = async (changes: Members = {}, by = key) =>
    proof(by, now, { htu: 'https://localhost:8443/keys/oauth2/token', ...changes }, { jwk: key.publicJwk })
  const withProof = async (text: string) => ask('keys', { ...withAssertion(await assertion()), dpop: [text] })
  const shown = (leaf: Issued, ...chain: readonly Issued[]) => ({
    certificate: presentCertificate(
      leaf.der,
      chain.map(({ der }) => der),
    ),
  })
  const certified = async (clientId: string, issuer: Issued | null, options: IssueOptions = {}) =>
    post('certificates', { client_id: clientId }, shown(await issue(issuer, { ...hostName, ...options })))
  /** Through an authority between that of the tenant and the app. */
  const certifiedBelow = async (options: IssueOptions, by: Issued | null = authority) => {
    const between = await issue(by, { name: 'CN=Between', ca: true, ...options })
    const leaf = await issue(between, hostName)
    return post('certificates', { client_id: 'billing' }, shown(leaf, between))
  }
  const judged = (verdict: RevocationVerdict) => {
    judgeNext(verdict)
    return certified('billing', authority)
  }
  const withoutList = (reason: string) => judged({ status: 'unknown', reason })
  /** An app that is known by a SPIFFE ID, shown with one. */
  const workload = async (clientId: string, value: string, options: IssueOptions = {}) => {
    await saveLeftover(server, ['certificates', 'first-partner', clientId], 'tls_client_auth', {
      format: 'certificate',
      verifier: Buffer.from(JSON.stringify({ san_uri: value })),
      pepperVersion: null,
    })
    return certified(clientId, authority, { names: [{ type: 'url', value }], ...options })
  }
  const github = 'https://token.actions.githubusercontent.com'
  const federated = async (changes: Members = {}, form: Readonly<Record<string, string>> = {}, by = key) => {
    const token = claims('', 'federation', {
      iss: github,
      sub: 'repo:first-partner/shop:ref:refs/heads/main',
      repository_owner_id: '4711',
      ...changes,
    })
    return ask('federation', withAssertion(await sign(by, token), { client_id: 'github-deploy', ...form }))
  }
  const withHeader = async (header: Members, changes: Members = {}) =>
    withProof(await proof(key, now, { htu: 'https://localhost:8443/keys/oauth2/token', ...changes }, header))
  const asOther = async (clientId: string, header: Members = {}) =>
    ask('others', withAssertion(await sign(key, claims(clientId, 'others'), header)))
  const inUrl = (query: string, form: Readonly<Record<string, string>> = {}) =>
    server.request({
      ...{ method: 'POST', url: `/in-url/oauth2/token?${query}`, body: { ...grant, ...form } },
      clientAddress: freshAddress(),
    })
  const macOf = (clientId: string, tenant: string) =>
    new SignJWT({ ...claims(clientId, tenant) })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(otherSecret))
  const [, secret] = server.credential('secrets', 'web-shop')
  const [, otherSecret] = server.credential('body-only', 'web-shop')
  return {
    '401 invalid_client client unknown': () => ask('secrets', { basic: ['nobody', secret] }),
    '401 invalid_client no credentials': () => post('secrets', { client_id: 'web-shop' }),
    '401 invalid_client malformed client_secret_basic': () =>
      ask('secrets', { authorization: [`Basic web-shop:${secret}`] }),
    '401 invalid_client several Authorization headers': () => {
      const header = `Basic ${Buffer.from(`web-shop:${secret}`).toString('base64')}`
      return ask('secrets', { authorization: [header, header] })
    },
    '401 invalid_client the Basic header and the body name two clients': () =>
      post('secrets', { client_id: 'other' }, { basic: ['web-shop', secret] }),
    '401 invalid_client client_secret without client_id': () => post('secrets', { client_secret: secret }),
    '401 invalid_client secret in the URL without the client id': () => inUrl('secret=x'),
    '401 invalid_client the URL and the body name two clients': () =>
      inUrl('key=a&secret=x', { client_id: 'b' }),
    '401 invalid_client the two readings of the Basic header name two clients': async () => {
      const hash = server.store.hasher.hash('others', 'xA', secret)
      await saveLeftover(server, ['others', 'customer', 'xA'], 'client_secret_basic', hash)
      return ask('others', { basic: ['x%41', 'any'] })
    },
    '401 invalid_client secret wrong': () => ask('secrets', { basic: ['web-shop', 'wrong'] }),
    '401 invalid_client client has no secret': () => ask('keys', { basic: ['nightly-sync', secret] }),
    '401 invalid_client credential is expired or disabled': async () => {
      await saveKey(server, 'keys', 'nightly-sync', 'old', stranger.publicJwk, { expiresAt: now - 1 })
      return sync({}, stranger)
    },
    '401 invalid_client … is disabled': async () => {
      await setDisabled(server.db, 'app', 'others', 'off', now)
      await server.advance(1)
      return ask('others', { basic: server.credential('others', 'off') })
    },
    '401 invalid_client tenant does not allow …': async () => {
      const left = `sp_test_${'f'.repeat(49)}`
      await saveLeftover(server, ['fapi', 'first-partner', 'left'], 'client_secret_basic', {
        ...server.store.hasher.hash('fapi', 'left', left),
      })
      return ask('fapi', { basic: ['left', left] })
    },
    '401 invalid_client client is not registered for …': () =>
      ask('body-only', { basic: ['web-shop', otherSecret] }),
    '400 invalid_request both … and …': () =>
      post('secrets', { client_secret: secret }, { basic: ['web-shop', secret] }),
    '429 temporarily_unavailable too many wrong secrets': async () => {
      const request = { basic: ['web-shop', 'wrong'] as const, clientAddress: freshAddress() }
      for (let count = 0; count < 10; count++) await ask('secrets', request)
      return ask('secrets', request)
    },
    '400 invalid_request client_assertion_type missing or unknown': async () =>
      post('keys', { client_assertion: await assertion() }),
    '400 invalid_request client_assertion missing': () =>
      post('keys', { client_assertion_type: jwtBearer, client_assertion: '' }),
    '401 invalid_client assertion malformed': async () =>
      ask('keys', withAssertion(`${await assertion()}\n`)),
    '401 invalid_client assertion algorithm not allowed': async () => sync({}, await makeKey('RS256')),
    '401 invalid_client no key of the client has signed the assertion': async () => sync({}, await makeKey()),
    '401 invalid_client no key of the client has the kid of the assertion': () =>
      asOther('named', { kid: 'b' }),
    '401 invalid_client no key of the client could be had': () => asOther('unreachable'),
    '401 invalid_client no secret of the client has signed the assertion': async () =>
      ask('secrets', withAssertion(await macOf('web-shop', 'secrets'))),
    '401 invalid_client no secret of the client is kept for assertions': async () =>
      ask('body-only', withAssertion(await macOf('web-shop', 'body-only'))),
    '401 invalid_client assertion whose iss and sub are not both the client': async () =>
      ask('keys', withAssertion(await assertion({ iss: 'another-app' }), { client_id: 'nightly-sync' })),
    '401 invalid_client assertion for another audience': () =>
      sync({ aud: 'https://localhost:8443/keys/oauth2/token' }),
    '401 invalid_client assertion without a usable jti': () => sync({ jti: undefined }),
    '401 invalid_client assertion without exp': () => sync({ exp: undefined }),
    '401 invalid_client assertion expired': () => sync({ exp: now - 61 }),
    '401 invalid_client assertion from the future': () => sync({ iat: now + 100 }),
    '401 invalid_client assertion with an nbf or iat that is no time': () => sync({ iat: `${now}` }),
    '401 invalid_client assertion that lives longer than five minutes': () => sync({ exp: now + 3600 }),
    '401 invalid_client assertion used before': async () => {
      const used = withAssertion(await assertion())
      await ask('keys', used)
      return ask('keys', used)
    },
    '401 invalid_client no client certificate': () => post('certificates', { client_id: 'billing' }),
    '401 invalid_client client certificate without client_id': async () =>
      post('certificates', {}, shown(await issue(authority, hostName))),
    '401 invalid_client certificate bears another name': () =>
      certified('billing', authority, { names: [{ type: 'dns', value: 'other.example' }] }),
    '401 invalid_client tenant has no certificate authorities': async () => {
      await saveLeftover(server, ['others', 'customer', 'left'], 'tls_client_auth', {
        format: 'certificate',
        verifier: Buffer.from(JSON.stringify({ san_dns: 'left.example' })),
        pepperVersion: null,
      })
      const { der } = await issue(authority, { names: [{ type: 'dns', value: 'left.example' }] })
      return post('others', { client_id: 'left' }, { certificate: presentCertificate(der, []) })
    },
    '401 invalid_client certificate expired or not yet valid': async () => {
      const own = await issue(null, { notBeforeAt: now - 200, notAfterAt: now - 100 })
      await saveLeftover(server, ['others', 'customer', 'pinned'], 'self_signed_tls_client_auth', {
        format: 'certificate',
        verifier: Buffer.from(JSON.stringify({ sha256: own.certificate.thumbprintSha256 })),
        pepperVersion: null,
      })
      return post('others', { client_id: 'pinned' }, { certificate: presentCertificate(own.der, []) })
    },
    '401 invalid_client client certificate malformed': () =>
      post('certificates', { client_id: 'billing' }, { certificate: 'malformed' }),
    '401 invalid_client no authority of the tenant has issued the client certificate': async () =>
      certified('billing', await issue(null, { name: 'CN=Other', ca: true })),
    '401 invalid_client … has expired': () =>
      certified('billing', authority, { notBeforeAt: now - 200, notAfterAt: now - 100 }),
    '401 invalid_client … is not valid yet': () => certifiedBelow({ notBeforeAt: now + 100 }),
    '401 invalid_client … is the certificate of an authority': () =>
      certified('billing', authority, { ca: true, purposes: null }),
    '401 invalid_client … is not for client authentication': () =>
      certified('billing', authority, { purposes: [serverAuth] }),
    '401 invalid_client … is not for signatures': () =>
      certified('billing', authority, { keyUsage: x509.KeyUsageFlags.keyEncipherment }),
    '401 invalid_client … has a key that is too weak or not known': () =>
      certified('billing', authority, { algorithm: weakRsa }),
    '401 invalid_client … has limits that are not processed here (extension …)': () =>
      certified('billing', authority, { extensions: [new x509.Extension('1.2.3.4', true, Buffer.alloc(2))] }),
    '401 invalid_client more than … certificates came beside the client certificate': async () => {
      const leaf = await issue(authority, hostName)
      return post('certificates', { client_id: 'billing' }, shown(leaf, ...new Array(9).fill(leaf)))
    },
    '401 invalid_client … is not signed by the authority it names': async () =>
      certified('billing', await issue(null, { name: 'CN=Partner CA', ca: true })),
    '401 invalid_client … is no authority': async () => {
      const between = await issue(authority, { name: 'CN=App' })
      return post('certificates', { client_id: 'billing' }, shown(await issue(between, hostName), between))
    },
    '401 invalid_client … may not sign certificates': () =>
      certifiedBelow({ keyUsage: x509.KeyUsageFlags.digitalSignature }),
    '401 invalid_client … allows no path of this length': async () => {
      const above = await issue(authority, { name: 'CN=Above', ca: true, pathLength: 0 })
      const between = await issue(above, { name: 'CN=Between', ca: true })
      const leaf = await issue(between, hostName)
      return post('certificates', { client_id: 'billing' }, shown(leaf, between, above))
    },
    '401 invalid_client certificate of a whole trust domain': () =>
      workload('domain', 'spiffe://partners.example'),
    '401 invalid_client certificate is no X.509-SVID: …': () =>
      workload('workload', 'spiffe://partners.example/billing', {
        keyUsage: x509.KeyUsageFlags.digitalSignature | keyCertSign,
      }),
    '401 invalid_client … is revoked': () => judged({ status: 'revoked' }),
    '401 invalid_client …: no revocation list of its authority is there': () =>
      withoutList('no revocation list of its authority is there'),
    '401 invalid_client …: the revocation list of its authority has ended or not begun': () =>
      withoutList('the revocation list of its authority has ended or not begun'),
    '401 invalid_client …: the revocation list of its authority is not signed by it': () =>
      withoutList('the revocation list of its authority is not signed by it'),
    '401 invalid_client …: the revocation list of its authority cannot be read': () =>
      withoutList('the revocation list of its authority cannot be read'),
    '401 invalid_client certificate is not registered': () => certified('terminal', null),
    '401 invalid_client assertion of another issuer without client_id': () =>
      federated({}, { client_id: '' }),
    '401 invalid_client client trusts no outside issuer': async () =>
      ask(
        'keys',
        withAssertion(await sign(key, claims('', 'keys', { iss: github, sub: 'x' })), {
          client_id: 'nightly-sync',
        }),
      ),
    '401 invalid_client rule …: sub does not match …': () => federated({ sub: 'repo:other/shop' }),
    '401 invalid_client rule …: … is not …': () => federated({ repository_owner_id: '4712' }),
    '401 invalid_client rule …: … is missing': () => federated({ repository_owner_id: undefined }),
    '401 invalid_client rule …: aud has not exactly one value': () =>
      federated({ aud: ['https://localhost:8443/federation', 'sts.amazonaws.com'] }),
    '401 invalid_client rule …: exp is more than a day ahead': () => federated({ exp: now + 90_000 }),
    '401 invalid_client rule …: … lies ahead': () => federated({ nbf: now + 100 }),
    '401 invalid_client assertion of another type': async () =>
      ask('keys', withAssertion(await sign(key, claims('nightly-sync', 'keys'), { typ: 'at+jwt' }))),
    '401 invalid_client rule …: its typ says that it was made for something else': async () =>
      ask(
        'federation',
        withAssertion(
          await sign(key, claims('', 'federation', { iss: github, sub: 'x' }), { typ: 'oauth-id-jag+jwt' }),
          { client_id: 'github-deploy' },
        ),
      ),
    '401 invalid_client rule …: its algorithm is not one of …': async () =>
      ask(
        'federation',
        withAssertion(
          await new SignJWT({ ...claims('', 'federation', { iss: github, sub: 'x' }) })
            .setProtectedHeader({ alg: 'HS256' })
            .sign(Buffer.alloc(32)),
          { client_id: 'github-deploy' },
        ),
      ),
    '401 invalid_client rule …: aud is not …': () => federated({ aud: 'sts.amazonaws.com' }),
    '401 invalid_client rule …: exp is past': () => federated({ exp: now - 61 }),
    '401 invalid_client rule …: no key of the issuer could be had': () =>
      federated(
        {
          iss: 'https://gitlab.com',
          sub: 'project_path:first-partner/shop:ref_type:branch:ref:main',
          ref_protected: 'true',
        },
        { client_id: 'gitlab-deploy' },
      ),
    '401 invalid_client rule …: no key of the issuer has the kid of the token': async () => {
      const token = claims('', 'federation', {
        ...{ iss: github, sub: 'repo:first-partner/shop:ref:refs/heads/main', repository_owner_id: '4711' },
      })
      return ask(
        'federation',
        withAssertion(await sign(key, token, { kid: 'another' }), { client_id: 'github-deploy' }),
      )
    },
    '401 invalid_client rule …: no key of the issuer has signed it': () => federated({}, {}, stranger),
    '400 invalid_dpop_proof no proof of possession': () => fapi(),
    '400 invalid_request no client certificate': async () =>
      ask('bound', withAssertion(await sign(key, claims('nightly-sync', 'bound')))),
    '400 use_dpop_nonce proof without a nonce': async () => fapi(await fapiProof()),
    '400 use_dpop_nonce nonce too old or not ours': async () => fapi(await fapiProof({ nonce: 'old' })),
    '400 invalid_dpop_proof several DPoP headers': async () =>
      ask('keys', { ...withAssertion(await assertion()), dpop: [await keysProof(), await keysProof()] }),
    '400 invalid_dpop_proof proof malformed': () => withProof('x.y.z'),
    '400 invalid_dpop_proof proof of another typ': () => withHeader({ typ: 'JWT' }),
    '400 invalid_dpop_proof proof with …': () => withHeader({ jwk: { kty: 'oct' } }),
    '400 invalid_dpop_proof proof algorithm not allowed': async () =>
      withProof(await keysProof({}, await makeKey('RS256'))),
    '400 invalid_dpop_proof proof algorithm does not fit its key': async () =>
      withProof(await keysProof({}, await makeKey('PS256'))),
    '400 invalid_dpop_proof proof for another method': () => withHeader({}, { htm: 'post' }),
    '400 invalid_dpop_proof proof without a usable jti': () => withHeader({}, { jti: undefined }),
    '400 invalid_dpop_proof proof expired': () => withHeader({}, { exp: now - 61 }),
    '400 invalid_dpop_proof proof from the future': () => withHeader({}, { nbf: now + 100 }),
    '400 invalid_dpop_proof proof for another URL': async () =>
      withProof(await keysProof({ htu: 'https://localhost:8443/fapi/oauth2/token' })),
    '400 invalid_dpop_proof proof too old or from the future': async () =>
      withProof(await keysProof({ iat: now - 100 })),
    '400 invalid_dpop_proof proof used before': async () => {
      const used = await keysProof()
      await withProof(used)
      return withProof(used)
    },
    '400 invalid_dpop_proof proof not signed with its key': async () =>
      withProof(await keysProof({}, stranger)),
  }
}

test(`${document}: each refusal in its table comes with the answer and the reason that it says`, async (t) => {
  const world = await startRefusalsWorld(t)
  const { server } = world
  const cases = casesOf(world)
  const rows = documentedRows()
  assert.deepEqual(
    rows.map(({ answer, reason }) => `${answer} ${reason}`).toSorted(),
    Object.keys(cases).toSorted(),
  )
  for (const { answer, reason } of rows) {
    await t.test(`${answer}: ${reason}`, async () => {
      const reply = await cases[`${answer} ${reason}`]?.()
      assert.equal(`${reply?.status} ${reply?.json.error}`, answer, `${reasonOf(server)}`)
      const pattern = reason.split('…').map(RegExp.escape).join('.+')
      assert.match(String(reasonOf(server)), new RegExp(`^${pattern}$`))
      const { description: fixed } = new OAuthError('invalid_dpop_proof', '')
      assert.notEqual(reply?.json.error_description, fixed)
    })
  }
})
