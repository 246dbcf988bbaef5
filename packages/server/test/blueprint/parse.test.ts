/** What a blueprint file is refused for, before anything else is looked at: the very line that people read. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, refusals, sample } from './sample.ts'

/** Title, the place changed, what it becomes, and the whole line that must be printed. */
type Case = readonly [title: string, from: string, to: string, line: string]

const shapes: readonly Case[] = [
  [
    'a value of the wrong kind is named with file, line, column and what was expected',
    'audience: https://api.shop.example',
    'audience: 42',
    'a.yaml:10:9 tenants[0].apis[0].audience: found 42, expected an absolute URI or a plain name, without blanks',
  ],
  [
    'an unknown key names the nearest known one',
    'audience: https',
    'audiance: https',
    'a.yaml:10:9 tenants[0].apis[0].audiance: found an unknown key, expected one that is known here, the nearest being audience',
  ],
  [
    'an unknown key that is near to none gets the names there are',
    'price: free',
    'price: free\n        currency: none',
    'a.yaml:17:9 tenants[0].plans[0].currency: found an unknown key, expected one of id, name, price, approval, scopes, access_token_seconds, limits',
  ],
  [
    'a bracket that is not closed is named as that',
    'hosts: [auth.shop.example]',
    'hosts: [auth.shop.example',
    'a.yaml:7:5 found a [ or { that is not closed, expected its ] or }, and until then lines that are indented',
  ],
  [
    'a colon without a blank is named as that',
    'name: Shop',
    'name:Shop',
    'a.yaml:4:5 found a line without ": ", expected a name, a colon, a blank and a value',
  ],
  [
    'text that begins with a character of YAML itself is named as that',
    'name: Shop',
    'name: @Shop',
    'a.yaml:4:11 found text that begins with a character of YAML itself, expected that text in quotes',
  ],
  [
    'a merge key is refused, because not every reader knows it',
    'token_reuse: false',
    '<<: {token_reuse: false}',
    'a.yaml:7:5 tenants[0]: found a merge key, expected the members written out',
  ],
  [
    'a key that stands twice is refused',
    'token_reuse: false',
    'token_reuse: false\n    token_reuse: true',
    'a.yaml:8:5 found a key that stands twice in one map, expected each key once',
  ],
  [
    'a second document is refused',
    'blueprint: shop',
    'blueprint: shop\n---',
    'a.yaml:2:1 found a second document, expected one document in a file',
  ],
  [
    'an alias is refused, so that no small file can grow',
    'name: Sync',
    'name: *name',
    'a.yaml:23:19 tenants[0].organizations[0].apps[0].name: found an alias, expected the value written out',
  ],
  [
    'a tag is refused',
    'name: Sync',
    'name: !!binary U3luYw==',
    'a.yaml:23:28 tenants[0].organizations[0].apps[0].name: found a tag, expected a plain value',
  ],
  [
    'a %YAML directive cannot change what yes means',
    'blueprint: shop',
    '%YAML 1.1\n---\nblueprint: shop',
    'a.yaml:1:1 found a %YAML directive, expected a plain document',
  ],
  [
    'a number that JavaScript would round is refused',
    'token_reuse: false',
    'dialect: {token: {claims: {big: 12345678901234567890}}}',
    'a.yaml:7:37 tenants[0].dialect.token.claims.big: found a number that would not stay exact, expected a smaller number, or text in quotes',
  ],
  [
    'text that a database cannot hold is refused',
    'name: Sync',
    'name: "a\\0b"',
    'a.yaml:23:19 tenants[0].organizations[0].apps[0].name: found text with a NUL or half a character, expected whole text',
  ],
  [
    'a missing member is named where it should stand',
    '        audience: https://api.shop.example\n',
    '',
    'a.yaml:9:9 tenants[0].apis[0].audience: found nothing, expected an absolute URI or a plain name, without blanks',
  ],
  [
    'a choice names its choices',
    'environment: test',
    'environment: staging',
    'a.yaml:5:5 tenants[0].environment: found "staging", expected one of test, live',
  ],
  [
    'a host with a port is refused',
    'hosts: [auth.shop.example]',
    'hosts: [auth.shop.example:8443]',
    'a.yaml:6:13 tenants[0].hosts[0]: found "auth.shop.example:8443", expected a lower-case host name with a dot in it, without scheme or port',
  ],
  [
    'an address is no host name',
    'hosts: [auth.shop.example]',
    'hosts: [127.0.0.1]',
    'a.yaml:6:13 tenants[0].hosts[0]: found "127.0.0.1", expected a lower-case host name with a dot in it, without scheme or port',
  ],
  [
    'HS512 belongs to an API and never to a tenant',
    'token_reuse: false',
    'signing_algorithm: HS512',
    'a.yaml:7:5 tenants[0].signing_algorithm: found "HS512", expected one of ES256, RS256, PS256, EdDSA; HS512 is set on an API, whose key it is',
  ],
  [
    'RFC 9700 §4.15: a client id that could be taken for a user is refused',
    'name: Sync\n',
    'name: Sync\n            client_id: usr_1\n',
    'a.yaml:24:13 tenants[0].organizations[0].apps[0].client_id: found "usr_1", expected a client id: printable characters without blanks or colons, not beginning with usr_',
  ],
  [
    'RFC 7617 §2: a client id with a colon is refused',
    'name: Sync\n',
    'name: Sync\n            client_id: a:b\n',
    'a.yaml:24:13 tenants[0].organizations[0].apps[0].client_id: found "a:b", expected a client id: printable characters without blanks or colons, not beginning with usr_',
  ],
]

const meanings: readonly Case[] = [
  [
    'a tenant id that is a path of the server is refused',
    'id: shop',
    'id: manage',
    'a.yaml:3:5 tenants[0].id: found "manage", a path of the server itself, expected another id',
  ],
  [
    'a plan that is not declared is refused',
    'plan: free',
    'plan: gold',
    'a.yaml:20:9 tenants[0].organizations[0].plan: found "gold", expected a plan of this tenant: free',
  ],
  [
    'scopes of an API that is not declared are refused',
    'scopes: {rest:',
    'scopes: {soap:',
    'a.yaml:24:22 tenants[0].organizations[0].apps[0].scopes.soap: found an API that is not declared, expected an API of this tenant: rest',
  ],
  [
    'a scope that the API does not declare is refused',
    '[orders/read, storage:read]',
    '[orders/reads]',
    'a.yaml:24:29 tenants[0].organizations[0].apps[0].scopes.rest[0]: found "orders/reads", expected a scope of API rest: orders/read, storage:*',
  ],
  [
    '003-14: a wildcard over nothing that is declared is refused',
    '[orders/read, storage:read]',
    '["storagex:*"]',
    'a.yaml:24:29 tenants[0].organizations[0].apps[0].scopes.rest[0]: found "storagex:*", expected a scope of API rest: orders/read, storage:*',
  ],
  [
    'a default API must be one that the app has scopes of',
    'name: Sync\n',
    'name: Sync\n            default_api: soap\n',
    'a.yaml:24:13 tenants[0].organizations[0].apps[0].default_api: found "soap", expected an API that the app has scopes of: rest',
  ],
  [
    'default scopes lie within the grant',
    'name: Sync\n',
    'name: Sync\n            default_scopes: [storage:write]\n',
    'a.yaml:24:30 tenants[0].organizations[0].apps[0].default_scopes[0]: found "storage:write", expected a scope that the app is granted',
  ],
  [
    '002-15: a lifetime beyond the maximum is refused, not clamped in silence',
    'token_reuse: false',
    'maximum_access_token_seconds: 300\n    access_token_seconds: 301',
    "a.yaml:8:5 tenants[0].access_token_seconds: found 301, expected the tenant's bounds, 60 to 300",
  ],
  [
    '002-15: an app is held to the bounds of its tenant as well',
    'name: Sync\n',
    'name: Sync\n            access_token_seconds: 5\n',
    "a.yaml:24:13 tenants[0].organizations[0].apps[0].access_token_seconds: found 5, expected the tenant's bounds, 60 to 86400",
  ],
  [
    'a minimum above the maximum is refused',
    'token_reuse: false',
    'minimum_access_token_seconds: 100000',
    'a.yaml:7:5 tenants[0].minimum_access_token_seconds: found 100000, expected at most the maximum, 86400',
  ],
  [
    'a template with an unknown variable names the nearest',
    'token_reuse: false',
    'dialect: {token: {claims: {sub: "${client}"}}}',
    'a.yaml:7:32 tenants[0].dialect.token.claims.sub: found the unknown variable ${client}, expected a variable such as ${client_id}',
  ],
  [
    'a header template knows only what headers may say',
    'token_reuse: false',
    'dialect: {token: {header: {alg: "${alg}", sub: "${client_id}"}}}',
    'a.yaml:7:47 tenants[0].dialect.token.header.sub: found the unknown variable ${client_id}, expected a variable such as ${kid}',
  ],
  [
    'RFC 7515 §4.1.1: a header without alg is refused',
    'token_reuse: false',
    'dialect: {token: {header: {kid: "${kid}"}}}',
    'a.yaml:7:23 tenants[0].dialect.token.header.alg: found nothing, expected the text ${alg}',
  ],
  [
    'RFC 6749 §5.1: an answer without access_token is refused',
    'token_reuse: false',
    'dialect: {response: {members: {expires_in: "${expires_in}"}}}',
    'a.yaml:7:26 tenants[0].dialect.response.members.access_token: found nothing, expected the text ${access_token}',
  ],
  [
    'RFC 6749 §5.1, trust R5: an expires_in that is written down is refused',
    'token_reuse: false',
    'dialect: {response: {members: {access_token: "${access_token}", expires_in: 3600}}}',
    'a.yaml:7:69 tenants[0].dialect.response.members.expires_in: found 3600, expected the text ${expires_in}',
  ],
  [
    "a token path must not hide the server's own",
    'token_reuse: false',
    'dialect: {request: {token_path: /oauth2/introspect}}',
    'a.yaml:7:25 tenants[0].dialect.request.token_path: found "/oauth2/introspect", expected a path that does not begin with /oauth2',
  ],
  [
    'query credentials need two names',
    'token_reuse: false',
    'dialect: {request: {query_credentials: {client_id: key, client_secret: key}}}',
    'a.yaml:7:61 tenants[0].dialect.request.query_credentials.client_secret: found the name of the client id, expected a name of its own',
  ],
  [
    'query credentials must not take a standard parameter',
    'token_reuse: false',
    'dialect: {request: {query_credentials: {client_id: scope, client_secret: secret}}}',
    'a.yaml:7:45 tenants[0].dialect.request.query_credentials.client_id: found "scope", expected a name that the standard does not use for something else',
  ],
  [
    'RFC 8594 §3: a dialect ends after it is deprecated',
    'token_reuse: false',
    'dialect: {deprecated: 2027-06-30, sunset: 2027-06-30}',
    'a.yaml:7:39 tenants[0].dialect.sunset: found 2027-06-30, expected a day after it is deprecated, 2027-06-30',
  ],
  [
    'a day that no calendar has is refused',
    'token_reuse: false',
    'dialect: {sunset: 2027-02-30}',
    'a.yaml:7:15 tenants[0].dialect.sunset: found a day that no calendar has, expected a date such as 2027-06-30',
  ],
  [
    'a credential id stands once in an app',
    'secret: generated\n',
    'secret: generated\n              - id: main\n                secret: generated\n',
    'a.yaml:28:17 tenants[0].organizations[0].apps[0].credentials[1].id: found text (not shown) a second time, expected another id',
  ],
]

for (const [title, from, to, line] of [...shapes, ...meanings]) {
  test(`blueprints: ${title}`, () => assert.deepEqual(refusals(changed(from, to)), [line]))
}

test('blueprints: a member of a list item with a blank too few is named as that', () => {
  assert.deepEqual(
    refusals('blueprint: shop\ntenants:\n  - id: shop\n    name: Shop\n   environment: test\n'),
    ['a.yaml:5:1 found lines that are indented in different ways, expected members of one map in one column'],
  )
})

test('blueprints: the sample itself is accepted', () => assert.deepEqual(refusals(sample), []))

test('blueprints: names that must be unique are refused a second time', () => {
  const doubled = changed(
    '    plans:\n      - id: free\n        price: free\n',
    '      - id: rest\n        audience: https://api.shop.example\n        scopes: {}\n    plans:\n      - id: free\n        price: free\n      - id: free\n        price: paid\n',
  )
  const other = `      - id: acme
        name: Acme again
        apps:
          - id: sync
            name: Another
            client_id: same
          - id: third
            name: Third
            client_id: same
`
  assert.deepEqual(refusals(doubled + other), [
    'a.yaml:14:9 tenants[0].apis[1].id: found "rest" a second time, expected another id',
    'a.yaml:15:9 tenants[0].apis[1].audience: found "https://api.shop.example" a second time, expected another audience',
    'a.yaml:20:9 tenants[0].plans[1].id: found "free" a second time, expected another id',
    'a.yaml:33:9 tenants[0].organizations[1].id: found "acme" a second time, expected another id',
    'a.yaml:36:13 tenants[0].organizations[1].apps[0].id: found "sync" a second time in this tenant, expected another id',
    'a.yaml:41:13 tenants[0].organizations[1].apps[1].client_id: found "same" a second time, expected another client id',
  ])
})

test('blueprints: an app with several APIs names its default', () => {
  const second = changed(
    '    plans:',
    '      - id: soap\n        audience: soap\n        scopes: {call: Call}\n    plans:',
  )
  assert.deepEqual(
    refusals(changed('{rest: [orders/read, storage:read]}', '{rest: [orders/read], soap: [call]}', second)),
    [
      'a.yaml:25:13 tenants[0].organizations[0].apps[0].default_api: found nothing, expected one of the several APIs that the app has: rest, soap',
    ],
  )
})

test('RFC 6749 §2.3.1: client ids that URL decoding would confuse are refused together', () => {
  const text = changed('name: Sync\n', 'name: Sync\n            client_id: a%62c\n')
  const other = '          - id: other\n            name: Other\n            client_id: abc\n'
  assert.deepEqual(refusals(text + other), [
    'a.yaml:24:13 tenants[0].organizations[0].apps[0].client_id: found "a%62c", which read as URL-encoded is "abc", expected another',
  ])
})

test('blueprints: one tenant or host in two files is refused with both places', () => {
  assert.deepEqual(refusals(sample, changed('blueprint: shop', 'blueprint: other')), [
    'b.yaml:3:5 tenants[0].id: found "shop", which a tenant in a.yaml already is, expected one that is free',
    'b.yaml:6:13 tenants[0].hosts[0]: found "auth.shop.example", which a host of tenant shop already is, expected one that is free',
  ])
})

test('blueprints: all problems of all files come in one message, in the order of files and lines', () => {
  const lines = refusals(
    changed('plan: free', 'plan: gold', changed('id: shop', 'id: auth')),
    'blueprint: [',
    '',
  )
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['a.yaml:3:5', 'a.yaml:20:9', 'b.yaml:1:13', 'c.yaml:1:1'],
  )
})

test('blueprints: an attribute that a dialect puts inside text is a text or a number', () => {
  const dialect = `    dialect:
      token:
        claims: {who: "x-\${app.attributes.tags}", of: "\${organization.attributes.uid}!", all: "\${app.attributes.whole}"}
`
  const withDialect = changed('    apis:\n', `${dialect}    apis:\n`)
  const attributed = (organization: string, app: string) =>
    changed(
      '        plan: free\n        apps:',
      `        plan: free\n        attributes: ${organization}\n        apps:`,
      changed(
        '            credentials:',
        `            attributes: ${app}\n            credentials:`,
        withDialect,
      ),
    )
  assert.deepEqual(refusals(attributed('{uid: u1}', '{tags: 7, whole: [a], other: {b: 1}}')), [])
  const expected = 'expected a text or a number, because the dialect puts it inside text'
  const lines = refusals(attributed('{uid: {a: 1}}', '{tags: [a, b]}'))
  assert.equal(lines.length, 2)
  assert.match(lines[0] ?? '', new RegExp(`organizations\\[0\\].attributes.uid: found a map, ${expected}$`))
  assert.match(lines[1] ?? '', new RegExp(`apps\\[0\\].attributes.tags: found a list, ${expected}$`))
  assert.match(refusals(attributed('{}', '{tags: null}')).join('\n'), /tags: found nothing, expected a text/)
  // Answered as the standard says, these never meet the template.
  const standard = attributed('{uid: [u]}', '{tags: [a]}\n            dialect: standard')
  assert.deepEqual(refusals(standard), [])
  const list = changed('    apis:\n', '    dialect: {token: {claims: {s: "a ${scopes}"}}}\n    apis:\n')
  assert.match(
    refusals(list).join('\n'),
    /claims\.s: found the list \$\{scopes\} inside text, expected the text \$\{scope\}/,
  )
})
