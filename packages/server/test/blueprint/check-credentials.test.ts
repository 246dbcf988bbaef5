/** What credentials and methods of an app are refused for: the place, what was found there, and what to write instead. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPair, proofRefusals, rsaJwk, selfSigned, withProofs } from './proofs.ts'
import { changed, refusals, sample } from './sample.ts'

const { jwk, privateJwk, privatePem } = keyPair()
const authority = selfSigned('Test CA')

/** Title, methods, credentials, and the lines that must be printed. */
type Case = readonly [string, readonly string[] | null, readonly object[], readonly string[]]

const oneOfForms = 'expected exactly one of secret, public_key, jwks_uri, certificate, federation'
const oneKey =
  'expected one public key, EC on P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits; openssl pkey -pubout makes it of a private one'

const cases: readonly Case[] = [
  ['a key is accepted with private_key_jwt', ['private_key_jwt'], [{ public_key: jwk }], []],
  [
    'a key set is accepted with private_key_jwt',
    ['private_key_jwt'],
    [{ jwks_uri: 'https://a.example/jwks' }],
    [],
  ],
  [
    'secrets and keys live side by side',
    ['client_secret_basic', 'private_key_jwt'],
    [{ secret: 'generated' }, { public_key: jwk }],
    [],
  ],
  [
    'a credential proves with one thing',
    ['private_key_jwt'],
    [{ public_key: jwk, jwks_uri: 'https://a.example/jwks' }, {}, { public_key: keyPair().jwk }],
    [
      `27 credentials[0]: found public_key and jwks_uri, ${oneOfForms}`,
      `28 credentials[1]: found nothing, ${oneOfForms}`,
    ],
  ],
  [
    'a method without a credential is refused',
    ['client_secret_basic', 'private_key_jwt'],
    [{ secret: 'generated' }],
    [
      '25 client_authentication[1]: found private_key_jwt without anything to prove with, expected a credential with public_key or jwks_uri',
    ],
  ],
  [
    'a credential that no method uses is refused, the default methods being those of secrets',
    null,
    [{ secret: 'generated' }, { public_key: jwk }],
    [
      '28 credentials[1].public_key: found a public key that no method of the app uses, expected client_authentication with private_key_jwt',
    ],
  ],
  [
    'a private JWK is refused',
    ['private_key_jwt'],
    [{ public_key: privateJwk }],
    [
      `27 credentials[0].public_key: found a private or symmetric key; only the public half may leave its owner, ${oneKey}`,
    ],
  ],
  [
    'a symmetric JWK is refused',
    ['private_key_jwt'],
    [{ public_key: { kty: 'oct', k: 'AAAA' } }],
    [
      `27 credentials[0].public_key: found a private or symmetric key; only the public half may leave its owner, ${oneKey}`,
    ],
  ],
  [
    'RFC 7518 §3.3: a short RSA key is refused',
    ['private_key_jwt'],
    [{ public_key: rsaJwk(1024) }],
    [`27 credentials[0].public_key: found an RSA key of other than 2048 to 4096 bits, ${oneKey}`],
  ],
  [
    'a point beside the curve is refused',
    ['private_key_jwt'],
    [{ public_key: { ...jwk, y: jwk.x } }],
    [`27 credentials[0].public_key: found a key that cannot be, ${oneKey}`],
  ],
  [
    'RFC 8725 §3.2: a key for an algorithm that is not allowed is refused',
    ['private_key_jwt'],
    [{ public_key: { ...rsaJwk(2048), alg: 'RS256' } }],
    [
      '27 credentials[0].public_key: found a key for RS256, expected a key for what is allowed: ES256, EdDSA, Ed25519, PS256, ES384',
    ],
  ],
  [
    'a key file is named alone',
    ['private_key_jwt'],
    [{ public_key: { from_file: 'key.pem', kid: 'one' } }],
    [
      '27 credentials[0].public_key.from_file: found more or other than a path, expected only {from_file: PATH}',
    ],
  ],
  [
    'a key set is published over https, without user or fragment',
    ['private_key_jwt'],
    ['http://a.example/jwks', 'https://me@a.example/', 'https://a.example/#x'].map((jwks_uri) => ({
      jwks_uri,
    })),
    [0, 1, 2].map(
      (index) =>
        `${27 + index} credentials[${index}].jwks_uri: found text (not shown), expected the https URL of a JWK set, without fragment`,
    ),
  ],
  [
    'tls_client_auth needs authorities and a name',
    ['tls_client_auth'],
    [{ certificate: { sha256: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg' } }],
    [
      '25 client_authentication[0]: found tls_client_auth without anything to prove with, expected a credential with certificate and a name in it, such as san_dns',
      '25 client_authentication[0]: found tls_client_auth in a tenant without certificate_authorities, expected the tenant to name them',
      '27 credentials[0].certificate: found a certificate that no method of the app uses, expected client_authentication with self_signed_tls_client_auth',
    ],
  ],
  [
    'self_signed_tls_client_auth needs a thumbprint',
    ['self_signed_tls_client_auth'],
    [{ certificate: { san_dns: 'app.example' } }],
    [
      '25 client_authentication[0]: found self_signed_tls_client_auth without anything to prove with, expected a credential with certificate and sha256 or from_file in it',
      '27 credentials[0].certificate: found a certificate that no method of the app uses, expected client_authentication with tls_client_auth',
    ],
  ],
  [
    'RFC 8705 §2.1.2: a certificate is known by exactly one name',
    ['self_signed_tls_client_auth'],
    [
      { certificate: { from_file: 'a.pem', sha256: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg' } },
      { certificate: {} },
      { certificate: { sha256: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg' } },
    ],
    [
      '27 credentials[0].certificate: found several members, expected exactly one of subject_dn, san_dns, san_uri, san_ip, san_email, sha256, from_file',
      '28 credentials[1].certificate: found a certificate that no method of the app uses, expected client_authentication with tls_client_auth',
      '28 credentials[1].certificate: found nothing, expected exactly one of subject_dn, san_dns, san_uri, san_ip, san_email, sha256, from_file',
    ],
  ],
  [
    'a hash cannot key the MACs of client_secret_jwt, and a secret can',
    ['client_secret_basic', 'client_secret_jwt'],
    [{ secret: { hash: 'sha256:n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg' } }, { secret: 'generated' }],
    [
      '27 credentials[0].secret.hash: found a hash, which cannot key the MACs of client_secret_jwt, expected the secret itself, from elsewhere',
    ],
  ],
  [
    'a federation rule says more than its issuer',
    ['federation'],
    [
      { federation: { issuer: 'https://a.example' } },
      { federation: { issuer: 'https://a.example', subject: '*' } },
      { federation: { issuer: 'https://a.example', claims: { sub: 'x' } } },
      { federation: { issuer: 'https://a.example', subject: 'repo:a/b:*' } },
    ],
    [
      '27 credentials[0].federation: found a rule that cannot stand, expected a subject or at least one claim',
      '28 credentials[1].federation: found a rule that cannot stand, expected a subject of more than *',
      '29 credentials[2].federation: found a rule that cannot stand, expected claims beside iss, aud, sub, exp, nbf, iat, jti, which are checked anyway',
    ],
  ],
]

for (const [title, methods, credentials, lines] of cases) {
  test(`credentials: ${title}`, () =>
    assert.deepEqual(proofRefusals(withProofs(methods, credentials)), lines))
}

const withAuthorities = (...sources: readonly unknown[]) =>
  changed('token_reuse: false', `certificate_authorities: ${JSON.stringify(sources)}`)

test('RFC 8705 §2.1.2: names that no certificate can be known by are refused, and good ones are not', () => {
  const names = [
    { san_dns: '*.example' },
    { subject_dn: '/CN=app' },
    { san_ip: '999.1.1.1' },
    { san_dns: 'app.example' },
    { subject_dn: 'CN=app,O=Example' },
    { san_ip: '2001:db8::1' },
    { san_uri: 'spiffe://example/app' },
    { san_email: 'app@example.com' },
  ]
  const text = withProofs(
    ['tls_client_auth'],
    names.map((certificate) => ({ certificate })),
    withAuthorities(authority.certificate),
  )
  assert.deepEqual(proofRefusals(text), [
    '27 credentials[0].certificate.san_dns: found text (not shown), expected one name: a wildcard would let every certificate below it in',
    '28 credentials[1].certificate.subject_dn: found a subject_dn that must be written as CN=app,O=Example and not with slashes, expected one such as CN=app,O=Example (RFC 4514)',
    '29 credentials[2].certificate.san_ip: found text (not shown), expected an IPv4 or IPv6 address',
  ])
})

test('credentials: an app has at most ten keys, and ten key sets', () => {
  const sets = Array.from({ length: 11 }, (_, index) => ({ jwks_uri: `https://a.example/${index}` }))
  const keys = Array.from({ length: 11 }, () => ({ public_key: keyPair().jwk }))
  assert.deepEqual(proofRefusals(withProofs(['private_key_jwt'], [...sets, ...keys])), [
    '37 credentials[10]: found jwks_uri 11 times, expected at most 10',
    '48 credentials[21]: found public_key 11 times, expected at most 10',
  ])
  assert.deepEqual(proofRefusals(withProofs(['private_key_jwt'], [...sets.slice(1), ...keys.slice(1)])), [])
})

test('credentials: an app allows no algorithm that its tenant does not, and each assertion method has one', () => {
  const text = changed('name: Sync\n', 'name: Sync\n            assertion_algorithms: [RS256, ES256]\n')
  assert.deepEqual(
    proofRefusals(
      withProofs(
        ['client_secret_jwt', 'private_key_jwt'],
        [{ secret: 'generated' }, { public_key: jwk }, { public_key: keyPair('P-384').jwk }],
        text,
      ),
    ),
    [
      '24 assertion_algorithms[0]: found RS256, expected an algorithm that the tenant allows: ES256, EdDSA, Ed25519, PS256, ES384, HS256, HS384',
      '26 client_authentication[0]: found client_secret_jwt, while assertion_algorithms leaves it none, expected one such as HS256 among them',
      '30 credentials[2].public_key: found a key for ES384, expected a key for what is allowed: ES256',
    ],
  )
})

test('trust 27: nothing of a private key is ever printed, wherever it was put', () => {
  const { d = '' } = privateJwk
  const [, body = ''] = privatePem.split('\n')
  const texts = [
    withProofs(['private_key_jwt'], [{ public_key: privateJwk }]),
    withProofs(['private_key_jwt'], [{ public_key: privatePem }]),
    withProofs(['private_key_jwt'], [{ public_key: { [d]: [] } }]),
    withProofs(['private_key_jwt'], [{ jwks_uri: d }]),
    withProofs(['private_key_jwt'], [{ [d]: jwk }]),
    withProofs(['tls_client_auth'], [{ certificate: { subject_dn: privatePem } }]),
    withProofs(['self_signed_tls_client_auth'], [{ certificate: { sha256: `${d}=` } }]),
    withProofs(['federation'], [{ federation: { issuer: d, [d]: d } }]),
    withProofs(['private_key_jwt'], []).replace(
      'credentials:',
      `credentials: [{${d}: *x, public_key: {${d}: *x}}]`,
    ),
    withAuthorities(privatePem, { from_file: [privatePem] }, { [body]: 1 }),
  ]
  for (const text of texts) {
    const lines = refusals(text).join('\n')
    assert.notEqual(lines, '')
    assert.ok(!lines.includes(d.slice(0, 12)) && !lines.includes(body.slice(0, 20)), lines)
  }
  const [line = ''] = refusals(changed('environment: test', `environment: ${JSON.stringify(privatePem)}`))
  assert.match(line, /found text \(not shown\)/)
})

const fapi = changed('token_reuse: false', 'security: fapi2')

test('FAPI 2.0 Security Profile §5.3.2.1: keys and names of certificates are accepted, with tokens that are bound', () => {
  assert.deepEqual(refusals(withProofs(['private_key_jwt'], [{ public_key: jwk }], fapi)), [])
  const bound = changed('fapi2', 'fapi2\n    sender_constraint: mtls\n    signing_algorithm: PS256', fapi)
  assert.deepEqual(refusals(withProofs(['private_key_jwt'], [{ public_key: rsaJwk(2048) }], bound)), [])
})

const methodsOfFapi =
  'expected methods of these, as security: fapi2 demands: private_key_jwt, tls_client_auth, self_signed_tls_client_auth'

const fapiCases: readonly (readonly [string, string, readonly string[]])[] = [
  [
    '§5.3.2.1: secrets by default',
    fapi,
    [
      `22 client_authentication: found nothing, which means client_secret_basic and client_secret_post, ${methodsOfFapi}`,
    ],
  ],
  [
    '§5.3.2.1: secrets on purpose, even signing ones, and none at all',
    withProofs(['client_secret_post', 'none'], [{ secret: 'generated' }], fapi),
    [
      `25 client_authentication[0]: found client_secret_post, ${methodsOfFapi}`,
      `25 client_authentication[1]: found none, ${methodsOfFapi}`,
    ],
  ],
  [
    '§5.4: keys of other algorithms',
    withProofs(['private_key_jwt'], [{ public_key: keyPair('P-384').jwk }], fapi),
    [
      '27 credentials[0].public_key: found a key for ES384, expected a key for what is allowed: ES256, EdDSA, Ed25519, PS256',
    ],
  ],
]

for (const [title, text, lines] of fapiCases) {
  test(`FAPI 2.0 Security Profile ${title} is refused`, () => assert.deepEqual(proofRefusals(text), lines))
}

test('FAPI 2.0 Security Profile: settings that loosen it are refused each at its place, and a shaped token is not', () => {
  const because = 'as security: fapi2 demands'
  const settings: readonly (readonly [string, string])[] = [
    ['signing_algorithm: RS256', `found RS256, expected one of these, ${because}: PS256, ES256, EdDSA`],
    [
      'assertion_audience: issuer_or_token_endpoint',
      `found issuer_or_token_endpoint, expected issuer, ${because}`,
    ],
    ['sender_constraint: none', `found none, expected dpop, mtls or any, ${because}`],
    [
      'assertion_algorithms: [ES256, RS256]',
      `found RS256, expected one of these, ${because}: PS256, ES256, EdDSA, Ed25519`,
    ],
    ...[
      'multipart: true',
      'default_grant_type: client_credentials',
      'grant_type_header: true',
      'query_credentials: {client_id: key, client_secret: secret}',
    ].map(
      (request) =>
        [
          `dialect: {request: {${request}}}`,
          `found requests beside the standard, expected none of them, ${because}`,
        ] as const,
    ),
  ]
  const base = withProofs(['private_key_jwt'], [{ public_key: jwk }], sample)
  const under = (line: string) => changed('token_reuse: false', `security: fapi2\n    ${line}`, base)
  for (const [line, wanted] of settings) {
    const found = proofRefusals(under(line)).map((refusal) => refusal.replace(/^\d+ \S+ /, ''))
    assert.deepEqual(found, [wanted], line)
  }
  assert.deepEqual(
    refusals(under('dialect: {token: {claims: {sub: "${client_id}"}}, request: {multipart: false}}')),
    [],
  )
  const api = changed(
    'audience: https://api.shop.example',
    'audience: a\n        signing_algorithm: HS512\n        sender_constraint: none',
    under('hosts: []').replace('hosts: [auth.shop.example]\n    ', ''),
  )
  assert.deepEqual(
    proofRefusals(api).map((line) => line.replace(/^\d+ (\S+): .*/, '$1')),
    ['apis[0].signing_algorithm', 'apis[0].sender_constraint'],
  )
})
