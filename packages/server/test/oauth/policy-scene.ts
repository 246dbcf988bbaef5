/** One grant under one policy: what `every-policy.test.ts` asks and does in each of its cells. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { RevocationKind } from '@sallyport/protocol'
import { revoke } from '../../src/store/revocations.ts'
import type { TestReply } from '../harness.ts'
import { freshAddress } from './answers.ts'
import { introspect } from './ends.ts'
import {
  type Changes,
  type Exchange,
  type Form,
  idp,
  jwtBearer,
  type More,
  startExchange,
  tokenExchange,
} from './exchanges.ts'
import { lateFeed } from './late-feed.ts'
import { setDisabled } from './rows.ts'

/** How each grant is asked for: parameters that are good when they are made, and good once. */
export const ways: Readonly<Record<string, (exchange: Exchange) => Promise<Form>>> = {
  client_credentials: async () => ({}),
  [tokenExchange]: async ({ of }) => ({
    subject_token: await of('sync'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }),
  [jwtBearer]: async ({ assertion }) => ({ assertion: await assertion() }),
}

/** Whom the token of each grant is about. */
export const subjects: Readonly<Record<string, string>> = {
  client_credentials: 'broker',
  [tokenExchange]: 'sync',
  [jwtBearer]: `${idp}#alice`,
}

export interface Scene extends Exchange {
  readonly type: string
  /** The body of a request by this grant, for a run that sends it in its own way. */
  form(): Promise<Form>
  /** With parameters that were made before anything else happened. */
  ask(form?: Form, more?: More): Promise<TestReply>
  /** With parameters of its own. */
  askAgain(): Promise<TestReply>
  token(): Promise<string>
  /** `active` or `inactive`, as the API hears of the scene's token. */
  standing(): Promise<string>
  db: Exchange['server']['db']
  outage(seconds: number): void
}

/** Plays a policy in a scene, and says in a word or two what came of it. */
export type Run = (scene: Scene) => Promise<string>

export const answerOf = ({ status, json }: TestReply): string => `${status} ${json.error ?? json.scope}`

export const ask =
  (form?: Form, more?: More): Run =>
  async (scene) =>
    answerOf(await scene.ask(form, more))

/** Something happens, and then a token is asked for. */
export const before =
  (happen: (scene: Scene) => Promise<unknown>): Run =>
  async (scene) => {
    await happen(scene)
    return answerOf(await scene.ask())
  }

/** The token is got first; then something happens. */
export const afterwards =
  (happen: (scene: Scene) => Promise<unknown>): Run =>
  async (scene) => {
    await scene.token()
    assert.equal(await scene.standing(), 'active')
    await happen(scene)
    return scene.standing()
  }

export const cutOff = (kind: RevocationKind, subjectId: (scene: Scene) => string): Run =>
  afterwards((scene) => scene.db.write((tx) => revoke(tx, 'acme', { kind, subjectId: subjectId(scene) })))

export const off = (noun: 'app' | 'organization' | 'tenant', id: string) => (scene: Scene) =>
  setDisabled(scene.db, noun, 'acme', id, scene.server.clock())

export async function startScene(t: TestContext, type: string, changes: Changes): Promise<Scene> {
  let secondsGone = 0
  const exchange = await startExchange(
    t,
    changes,
    undefined,
    lateFeed(() => secondsGone),
  )
  const { server } = exchange
  const way = ways[type]
  assert.ok(way, `nobody knows how ${type} is asked for`)
  const form = async (): Promise<Form> => ({ ...(await way(exchange)), grant_type: type })
  const first = await form()
  const send = (body: Form, more: More = {}) =>
    server.token('acme', {
      body,
      basic: server.credential('acme', 'broker'),
      clientAddress: freshAddress(),
      ...more,
    })
  let got: string | undefined
  const token = async (): Promise<string> => {
    got ??= (await send(first)).json.access_token
    assert.ok(got)
    return got
  }
  return {
    ...exchange,
    type,
    db: server.db,
    form,
    ask: (more, request) => send({ ...first, ...more }, request),
    askAgain: async () => send(await form()),
    token,
    async standing() {
      const { status, json } = await introspect(server, await token())
      if (status !== 200) return String(status)
      return json.active ? 'active' : 'inactive'
    },
    outage(seconds) {
      secondsGone = seconds
    },
  }
}
