/**
 * trust F8, F13, F21: every policy × every grant, in full. A grant is a column, a policy is a row, and each cell is one
 * answer; a new one of either without its answers is red.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grants } from '../../src/oauth/grants/index.ts'
import { saveApp } from '../../src/store/apps.ts'
import { removeCredential } from '../../src/store/credentials.ts'
import { revoke } from '../../src/store/revocations.ts'
import { freshAddress } from './answers.ts'
import { introspect, revokeToken } from './ends.ts'
import {
  type Changes,
  files,
  filesApi,
  grantTypes,
  idp,
  jwtBearer,
  type More,
  rest,
  tokenExchange,
  vaultApi,
} from './exchanges.ts'
import {
  afterwards,
  answerOf,
  ask,
  before,
  cutOff,
  off,
  type Run,
  startScene,
  subjects,
  ways,
} from './policy-scene.ts'
import { setCredential } from './rows.ts'
import { claimsOf, makeKey, proof } from './signed.ts'

type Answers = Readonly<Record<string, string>>

interface Policy {
  readonly setUp?: Changes | ((type: string) => Changes)
  readonly run: Run
  readonly answers: Answers
}

/** Said for each grant by name, so that one more grant finds no answer. */
const each = (clientCredentials: string, exchange: string, bearer: string): Answers => ({
  client_credentials: clientCredentials,
  [tokenExchange]: exchange,
  [jwtBearer]: bearer,
})
const all = (answer: string): Answers => each(answer, answer, answer)

const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

const wide = { rest: ['read', 'data:*'], files: ['list'], vault: ['open'] }
const wideScopes = { read: 'Read', write: 'Write', 'data:a': 'A', 'data:b': 'B', data: 'Data' }
const wildcard: Changes = {
  tenant: { apis: [{ id: 'rest', audience: rest, scopes: wideScopes }, filesApi, vaultApi] },
  broker: { scopes: wide },
  sync: { scopes: { rest: wide.rest } },
}
const plan: Changes = {
  tenant: { plans: [{ id: 'small', price: 'free', scopes: { rest: ['read'] } }] },
  provider: { plan: 'small' },
}
const dialect = {
  dialect: {
    request: { multipart: true },
    token: {
      claims: {
        iss: '${issuer}',
        who: '${client_id}',
        aud: '${audience}',
        exp: '${exp}',
        iat: '${iat}',
        own: 'words',
      },
    },
  },
}
const multipart: More = { headers: { 'content-type': 'multipart/form-data; boundary=x' } }

const policies: Readonly<Record<string, Policy>> = {
  'nothing in the way': { run: ask(), answers: all('200 read write') },

  'trust 42: the app is disabled': { run: before(off('app', 'broker')), answers: all('401 invalid_client') },
  'trust 42: its organization is disabled': {
    run: before(off('organization', 'provider')),
    answers: all('401 invalid_client'),
  },
  'trust 42: the tenant is disabled': {
    run: before(off('tenant', 'acme')),
    answers: all('401 invalid_client'),
  },
  'trust 42: the credential is expired': {
    run: before(({ db, server }) =>
      setCredential(db, 'acme', 'broker', 'main', { expires_at: server.clock() }),
    ),
    answers: all('401 invalid_client'),
  },
  'trust 42: the credential is disabled': {
    run: before(({ db, server }) =>
      setCredential(db, 'acme', 'broker', 'main', { disabled_at: server.clock() }),
    ),
    answers: all('401 invalid_client'),
  },
  'trust 42: the credential is gone': {
    run: before(({ db }) => db.write((tx) => removeCredential(tx, 'acme', 'broker', 'main'))),
    answers: all('401 invalid_client'),
  },
  'trust 24: no credentials': {
    run: async (scene) =>
      answerOf(
        await scene.server.token('acme', {
          body: await scene.form(),
        }),
      ),
    answers: all('401 invalid_client'),
  },
  'trust 26-27: the wrong secret': {
    run: ask({}, { basic: ['broker', 'wrong'] }),
    answers: all('401 invalid_client'),
  },
  'trust 41: the wrong method': {
    setUp: { broker: { client_authentication: ['client_secret_post'] } },
    run: ask(),
    answers: all('401 invalid_client'),
  },
  'trust 25: credentials in the URL': {
    run: async (scene) => {
      const [id, secret] = scene.server.credential('acme', 'broker')
      const url = `/acme/oauth2/token?client_id=${id}&client_secret=${secret}`
      const body = await scene.form()
      return answerOf(
        await scene.server.request({ method: 'POST', url, body, clientAddress: freshAddress() }),
      )
    },
    answers: all('400 invalid_request'),
  },
  'trust 44: wrong secrets are counted': {
    run: async (scene) => {
      const clientAddress = freshAddress()
      for (let time = 0; time < 10; time += 1)
        await scene.ask({}, { basic: ['broker', 'wrong'], clientAddress })
      return answerOf(await scene.ask({}, { basic: ['broker', 'wrong'], clientAddress }))
    },
    answers: all('429 temporarily_unavailable'),
  },
  'settled: the right secret passes the count': {
    run: async (scene) => {
      const clientAddress = freshAddress()
      for (let time = 0; time < 11; time += 1)
        await scene.ask({}, { basic: ['broker', 'wrong'], clientAddress })
      return answerOf(await scene.ask({}, { clientAddress }))
    },
    answers: all('200 read write'),
  },
  'trust 76: the grant is not registered': {
    setUp: (type) => {
      const others = grantTypes.filter((one) => one !== type)
      const broker = { grant_types: others, ...(type === tokenExchange && { token_exchange: undefined }) }
      return { broker }
    },
    run: ask(),
    answers: all('400 unauthorized_client'),
  },
  'trust 76: a public client': {
    run: async (scene) => {
      const settings = {
        grant_types: grantTypes,
        client_authentication: ['none'],
        scopes: { rest: ['read'] },
        token_exchange: { subjects: ['*'] },
      }
      const row = { clientId: 'open', id: 'open', organizationId: 'provider', name: 'Open', settings }
      await scene.db.write((tx) => saveApp(tx, 'acme', row))
      const body = { ...(await scene.form()), client_id: 'open' }
      return answerOf(await scene.server.token('acme', { body, clientAddress: freshAddress() }))
    },
    answers: each('400 unauthorized_client', '401 invalid_client', '401 invalid_client'),
  },
  'trust 11-13: a parameter twice': {
    run: async (scene) => {
      const form = new URLSearchParams({ ...(await scene.form()), scope: 'read' })
      form.append('scope', 'read')
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const basic = scene.server.credential('acme', 'broker')
      return answerOf(await scene.server.token('acme', { body: form.toString(), headers, basic }))
    },
    answers: all('400 invalid_request'),
  },

  'trust 68: a scope that is not granted': {
    setUp: { broker: { scopes: { rest: ['read'] }, token_exchange: { subjects: ['sync'] } } },
    run: ask({ scope: 'write' }),
    answers: all('400 invalid_scope'),
  },
  'trust 69: a scope that only begins alike': {
    run: ask({ scope: 'rea' }),
    answers: all('400 invalid_scope'),
  },
  'trust 16: a scope without end': {
    run: ask({ scope: 'x'.repeat(50_000) }),
    answers: all('400 invalid_scope'),
  },
  'settled: some of the scopes': { run: ask({ scope: 'write' }), answers: all('200 write') },
  'settled: scopes in the order asked for, once': {
    run: ask({ scope: 'write read write' }),
    answers: all('200 write read'),
  },
  'trust 72: the default scopes': {
    setUp: { broker: { default_scopes: ['write'] } },
    run: ask(),
    answers: all('200 write'),
  },
  'settled: a wildcard covers what stands below it': {
    setUp: wildcard,
    run: ask({ scope: 'data:a' }),
    answers: all('200 data:a'),
  },
  'settled: a wildcard covers not its own stem': {
    setUp: wildcard,
    run: ask({ scope: 'data' }),
    answers: all('400 invalid_scope'),
  },
  'settled: a wildcard is no scope to ask for where the API has none': {
    setUp: wildcard,
    run: ask({ scope: 'data:*' }),
    answers: all('400 invalid_scope'),
  },
  'settled: a wildcard left out stands for the scopes below it': {
    setUp: wildcard,
    run: ask(),
    answers: all('200 read data:a data:b'),
  },
  'trust F21: the plan leaves a scope out': {
    setUp: plan,
    run: ask({ scope: 'write' }),
    answers: all('400 invalid_scope'),
  },
  'trust F21: the plan narrows the default': { setUp: plan, run: ask(), answers: all('200 read') },

  'trust 75: an unknown target': {
    run: ask({ resource: 'https://unknown.example' }),
    answers: all('400 invalid_target'),
  },
  'trust 75: a target that the app is not granted': {
    setUp: { broker: { scopes: { rest: ['read'] }, token_exchange: { subjects: ['sync'] } } },
    run: ask({ resource: files }),
    answers: all('400 invalid_target'),
  },
  'trust 73: a relative target': { run: ask({ resource: '/files' }), answers: all('400 invalid_target') },
  'settled: two targets': {
    run: ask({ resource: rest, audience: files }),
    answers: all('400 invalid_target'),
  },
  'RFC 8707 §2: another target': { run: ask({ resource: files }), answers: all('200 list get') },
  'RFC 8693 §2.1: another target that no policy opens': {
    setUp: { policy: { targets: [] } },
    run: ask({ resource: files }),
    answers: each('200 list get', '400 invalid_target', '200 list get'),
  },

  'RFC 9449 §5: a key is demanded and not proven': {
    setUp: { broker: { sender_constraint: 'dpop' } },
    run: ask(),
    answers: all('400 invalid_dpop_proof'),
  },
  'RFC 9449 §5: a key is demanded and proven': {
    setUp: { broker: { sender_constraint: 'dpop' } },
    run: async (scene) => {
      const reply = await scene.ask({}, { dpop: [await proof(await makeKey(), scene.server.clock())] })
      return `${answerOf(reply)} ${reply.json.token_type} ${Object.keys(claimsOf(reply).cnf ?? {})}`
    },
    answers: all('200 read write DPoP jkt'),
  },
  'RFC 8705 §3: a certificate is demanded and not shown': {
    setUp: { broker: { sender_constraint: 'mtls' } },
    run: ask(),
    answers: all('400 invalid_request'),
  },
  'trust 87-92: a proof that is none': {
    run: ask({}, { dpop: ['garbage'] }),
    answers: all('400 invalid_dpop_proof'),
  },

  'settled: the app’s lifetime': {
    setUp: { broker: { access_token_seconds: 120 } },
    run: async ({ ask: send }) => String((await send()).json.expires_in),
    answers: all('120'),
  },
  'settled: the tenant’s bounds clamp it': {
    setUp: {
      tenant: { maximum_access_token_seconds: 90, access_token_seconds: 60 },
      broker: { access_token_seconds: 80 },
    },
    run: async ({ ask: send }) => String((await send()).json.expires_in),
    // The subject's token lives for a minute.
    answers: each('80', '60', '80'),
  },

  'trust R5: the database is gone for a moment': {
    run: async (scene) => {
      scene.outage(10)
      return answerOf(await scene.ask())
    },
    answers: each('200 read write', '503 temporarily_unavailable', '503 temporarily_unavailable'),
  },
  'trust R5: the database is gone for longer than the grace': {
    run: async (scene) => {
      scene.outage(601)
      return answerOf(await scene.ask())
    },
    answers: all('503 temporarily_unavailable'),
  },

  'settled: a token is served again where that is on': {
    setUp: { tenant: { token_reuse: true } },
    run: async (scene) => {
      const [one, two] = [await scene.ask(), await scene.askAgain()]
      return one.json.access_token === two.json.access_token ? 'again' : 'anew'
    },
    answers: each('again', 'anew', 'anew'),
  },
  'settled: what was got by another grant is never served': {
    setUp: { tenant: { token_reuse: true } },
    run: async (scene) => {
      const basic = scene.server.credential('acme', 'broker')
      const other = await scene.server.token('acme', { basic, clientAddress: freshAddress() })
      const { json } = await scene.ask()
      return json.access_token === other.json.access_token ? 'the same' : 'its own'
    },
    answers: each('the same', 'its own', 'its own'),
  },
  '001-15: the dialect’s claims': {
    setUp: { tenant: dialect },
    run: async ({ ask: send }) => {
      const { own, sub } = claimsOf(await send()) as Record<string, unknown>
      return `${own} ${sub}`
    },
    answers: each('words undefined', 'undefined sync', `undefined ${idp}#alice`),
  },
  'settled: an app that is standard only, in no dialect': {
    setUp: { tenant: dialect, broker: { dialect: 'standard' } },
    run: async (scene) => {
      const { own, sub } = claimsOf(await scene.ask()) as Record<string, unknown>
      return `${own} ${sub === subjects[scene.type]}`
    },
    answers: all('undefined true'),
  },
  'settled: an app that is standard only, asking in a dialect': {
    setUp: { tenant: dialect, broker: { dialect: 'standard' } },
    run: async (scene) => {
      const form = await scene.form()
      const parts = Object.entries(form).map(
        ([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      const basic = scene.server.credential('acme', 'broker')
      const body = `${parts.join('')}--x--\r\n`
      return answerOf(await scene.server.token('acme', { basic, body, ...multipart }))
    },
    answers: all('400 invalid_request'),
  },
  'trust 77: nothing else comes with it': {
    run: async ({ ask: send }) => Object.keys((await send()).json).join(' '),
    answers: each(
      'access_token token_type expires_in scope',
      'access_token token_type expires_in scope issued_token_type',
      'access_token token_type expires_in scope',
    ),
  },

  'trust F13: the token is revoked': {
    run: afterwards(async (scene) =>
      revokeToken(scene.server, await scene.token(), { basic: scene.server.credential('acme', 'broker') }),
    ),
    answers: all('inactive'),
  },
  'trust 112: another client revokes it': {
    run: afterwards(async (scene) =>
      revokeToken(scene.server, await scene.token(), { basic: scene.server.credential('acme', 'relay') }),
    ),
    answers: all('active'),
  },
  'trust F13: a cut-off of the app': { run: cutOff('app', () => 'broker'), answers: all('inactive') },
  'trust F13: a cut-off of its organization': {
    run: cutOff('organization', () => 'provider'),
    answers: all('inactive'),
  },
  'trust F13: a cut-off of the credential': {
    run: cutOff('credential', () => 'broker main'),
    answers: all('inactive'),
  },
  'trust F13: a cut-off of the tenant': { run: cutOff('tenant', () => 'acme'), answers: all('inactive') },
  'trust F13: a cut-off of the one it is for': {
    run: cutOff('user', ({ type }) => subjects[type] ?? ''),
    // An app is no user: it has a cut-off of its own kind.
    answers: each('active', 'inactive', 'inactive'),
  },
  'trust F13: a cut-off of the key': {
    run: async (scene) => {
      const token = await scene.token()
      await scene.db.write((tx) => revoke(tx, 'acme', { kind: 'key', subjectId: kidOf(token) }))
      return scene.standing()
    },
    answers: all('inactive'),
  },
  'trust F6: a cut-off of before it': {
    run: async (scene) => {
      const issuedUntil = scene.server.clock() - 1
      await scene.db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: 'broker', issuedUntil }))
      await scene.token()
      return scene.standing()
    },
    answers: all('active'),
  },
  'trust F19: a cut-off of another app': { run: cutOff('app', () => 'relay'), answers: all('active') },
  'trust F14: the app is disabled afterwards': {
    run: afterwards(off('app', 'broker')),
    answers: all('inactive'),
  },
  'trust F14: its organization is disabled afterwards': {
    // The API's own app belongs to it, too.
    run: afterwards(off('organization', 'provider')),
    answers: all('401'),
  },
  'trust F14: the tenant is disabled afterwards': {
    run: afterwards(off('tenant', 'acme')),
    answers: all('401'),
  },
  'trust F14: the credential is disabled afterwards': {
    run: afterwards(({ db, server }) =>
      setCredential(db, 'acme', 'broker', 'main', { disabled_at: server.clock() }),
    ),
    answers: all('inactive'),
  },
  'trust F14: the credential is gone afterwards': {
    run: afterwards(({ db }) => db.write((tx) => removeCredential(tx, 'acme', 'broker', 'main'))),
    answers: all('inactive'),
  },
  'product 3: the credential has expired afterwards': {
    run: afterwards(({ db, server }) =>
      setCredential(db, 'acme', 'broker', 'main', { expires_at: server.clock() }),
    ),
    answers: all('active'),
  },
  'trust 108: its time is over': {
    run: afterwards(({ server }) => server.advance(600)),
    answers: all('inactive'),
  },
  'trust F19: another tenant is asked of it': {
    run: async (scene) => {
      const basic = scene.server.credential('elsewhere', 'api')
      return (await introspect(scene.server, await scene.token(), { basic }, 'elsewhere')).json.active
        ? 'active'
        : 'inactive'
    },
    answers: all('inactive'),
  },
}

const grantTypeNames = [...grants.keys()]

const shortNames: Readonly<Record<string, string>> = {
  [tokenExchange]: 'token-exchange',
  [jwtBearer]: 'jwt-bearer',
}

test('trust F21: the table has every grant that there is, and an answer in every cell', () => {
  assert.deepEqual(Object.keys(ways).toSorted(), grantTypeNames.toSorted())
  assert.deepEqual(Object.keys(subjects).toSorted(), grantTypeNames.toSorted())
  for (const [policy, { answers }] of Object.entries(policies))
    assert.deepEqual(Object.keys(answers).toSorted(), grantTypeNames.toSorted(), policy)
})

for (const [policy, { setUp = {}, run, answers }] of Object.entries(policies)) {
  test(`trust F21, ${policy}`, async (t) => {
    for (const type of grantTypeNames) {
      await t.test(shortNames[type] ?? type, async (cell) => {
        const scene = await startScene(cell, type, typeof setUp === 'function' ? setUp(type) : setUp)
        assert.equal(await run(scene), answers[type])
      })
    }
  })
}
