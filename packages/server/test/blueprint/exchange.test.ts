/** What a blueprint may not say of exchanges, trusted issuers and claims: each at its place, with what would do there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, refusals } from './sample.ts'

const text = `blueprint: shop
tenants:
  - id: shop
    name: Shop
    environment: test
    token_exchange: true
    trusted_issuers:
      - issuer: https://idp.example
        accepts: [assertion, id_jag]
        apps: [broker]
        scopes: {rest: [read]}
    apis:
      - {id: rest, audience: "https://api.shop.example", scopes: {read: Read}}
      - {id: files, audience: files, scopes: {list: List}}
    organizations:
      - id: acme
        name: Acme
        apps:
          - id: broker
            name: Broker
            grant_types: [urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer]
            scopes: {rest: [read]}
            token_exchange: {subjects: [sync], targets: [rest], actors: [sync]}
            credentials: [{id: main, secret: generated}]
          - id: sync
            name: Sync
            scopes: {rest: [read]}
            credentials: [{id: main, secret: generated}]
`
const app = 'tenants[0].organizations[0].apps[0]'
const issuer = 'tenants[0].trusted_issuers[0]'
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** Where, what it becomes, and the line but for the file. */
const table: readonly (readonly [from: string, to: string, line: string])[] = [
  [
    '    token_exchange: true\n',
    '',
    `20:27 ${app}.grant_types[0]: found token exchange in a tenant that has none, expected token_exchange: true of the tenant`,
  ],
  [
    '            token_exchange: {subjects: [sync], targets: [rest], actors: [sync]}\n',
    '',
    `21:27 ${app}.grant_types[0]: found token exchange without a policy, expected token_exchange to say what it may exchange`,
  ],
  [
    `grant_types: [${exchange}, `,
    'grant_types: [',
    `23:13 ${app}.token_exchange: found a policy, expected ${exchange} among its grant_types as well`,
  ],
  [
    'subjects: [sync]',
    'subjects: [snyc]',
    `23:41 ${app}.token_exchange.subjects[0]: found "snyc", expected an app of this tenant: broker, sync`,
  ],
  [
    'subjects: [sync]',
    'subjects: [all]',
    `23:41 ${app}.token_exchange.subjects[0]: found "all", expected an app of this tenant: broker, sync`,
  ],
  [
    'targets: [rest]',
    'targets: [files]',
    `23:58 ${app}.token_exchange.targets[0]: found "files", expected an API that the app has scopes of: rest`,
  ],
  [
    'actors: [sync]',
    'actors: [sync], mode: impersonation',
    `23:65 ${app}.token_exchange.actors: found actors, expected none, because impersonation shows nobody who acts`,
  ],
  [
    'accepts: [assertion, id_jag]',
    'accepts: [subject_token]',
    `21:76 ${app}.grant_types[1]: found a grant that no issuer is trusted for, expected trusted_issuers with apps: [broker]`,
  ],
  [
    'apps: [broker]',
    'apps: [nobody]',
    `10:16 ${issuer}.apps[0]: found "nobody", expected an app of this tenant: broker, sync`,
  ],
  [
    'scopes: {rest: [read]}\n    apis',
    'scopes: {rest: [write]}\n    apis',
    `11:25 ${issuer}.scopes.rest[0]: found "write", expected a scope of API rest: read`,
  ],
  [
    'issuer: https://idp.example',
    'issuer: http://idp.example',
    `8:9 ${issuer}.issuer: found "http://idp.example", expected an https URL without query or fragment, exactly as it stands in iss`,
  ],
  [
    'issuer: https://idp.example',
    'issuer: https://idp.example\n        jwks: {keys: [{kty: EC, crv: P-256, x: AA, y: AA}]}',
    `9:23 ${issuer}.jwks.keys[0]: found a coordinate of the wrong length, expected one public key`,
  ],
  [
    'issuer: https://idp.example',
    'issuer: https://idp.example\n        jwks: {keys: [{kty: oct, k: AAAA}]}',
    `9:23 ${issuer}.jwks.keys[0]: found a private or symmetric key; only the public half may leave its owner, expected one public key`,
  ],
  [
    'accepts: [assertion, id_jag]',
    'accepts: [assertion, id_jag]\n        subject_token_audience: x',
    `10:9 ${issuer}.subject_token_audience: found an audience, expected subject_token among what it accepts`,
  ],
  [
    'accepts: [assertion, id_jag]',
    'accepts: [assertion]\n        subject: "*"',
    `8:9 ${issuer}: found an issuer that cannot be trusted so, expected a subject of more than *`,
  ],
  [
    'name: Broker',
    'name: Broker\n            client_authentication: [client_secret_basic, none]',
    `21:58 ${app}.client_authentication[1]: found none beside a grant for others, expected a method that proves the app`,
  ],
]

test('issue 4.7: the blueprint of an exchange reads', () => {
  assert.deepEqual(refusals(text), [])
  assert.deepEqual(refusals(changed('subjects: [sync]', 'subjects: ["*"]', text)), [])
})

for (const [from, to, line] of table) {
  test(`issue 4.7: ${line.slice(line.indexOf('found'))}`, () => {
    const lines = refusals(changed(from, to, text)).map((one) => one.replace('a.yaml:', ''))
    assert.ok(
      lines.some((one) => one.startsWith(line)),
      lines.join('\n'),
    )
  })
}

test('issue 4.7: a dialect may not write the claims that only the server can know', () => {
  for (const name of ['act', 'cnf', 'derived_from']) {
    const dialect = `dialect: {token: {claims: {${name}: x}}}`
    const [line = ''] = refusals(
      changed('token_exchange: true', `token_exchange: true\n    ${dialect}`, text),
    )
    assert.match(line, new RegExp(`claims\\.${name}: found a claim that the server writes itself`))
  }
})

const renamed: readonly (readonly [claims: string, fault: string | null])[] = [
  [
    '{expires: "${exp}"}',
    'expires: found ${exp} without a claim exp, expected the claim exp: ${exp} beside it',
  ],
  ['{at: ["${iat}"]}', 'at: found ${iat} without a claim iat, expected the claim iat: ${iat} beside it'],
  ['{id: "x-${jti}"}', 'id: found ${jti} without a claim jti, expected the claim jti: ${jti} beside it'],
  ['{jti: "${organization.id}"}', 'jti: found "${organization.id}", expected the text ${jti}'],
  ['{exp: 4000000000}', 'exp: found 4000000000, expected the text ${exp}'],
  ['{iat: "${exp}", exp: "${exp}"}', 'iat: found "${exp}", expected the text ${iat}'],
  ['{exp: "${exp}", iat: "${iat}", auth_time: "${iat}", jti: "${jti}", id: "${jti}"}', null],
  ['{sub: "${client_id}"}', null],
]

for (const [claims, fault] of renamed) {
  test(`RFC 7519 §4.1: claims ${claims} ${fault === null ? 'read' : 'would revive dead tokens'}`, () => {
    const dialect = `token_exchange: true\n    dialect: {token: {claims: ${claims}}}`
    const lines = refusals(changed('token_exchange: true', dialect, text))
    if (fault === null) return assert.deepEqual(lines, [])
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', /^a\.yaml:7:\d+ /)
    assert.ok(lines[0]?.endsWith(`tenants[0].dialect.token.claims.${fault}`), lines[0])
  })
}
