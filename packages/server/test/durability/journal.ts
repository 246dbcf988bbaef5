/** What was acknowledged, kept where no kill can reach it, and whether a process that starts later still knows it. */
import assert from 'node:assert/strict'
import type { Node, NodeReply, Site } from './nodes.ts'
import {
  ask,
  askToken,
  clientAssertion,
  introspect,
  type Once,
  revoke,
  type TenantId,
  type World,
} from './world.ts'

type Secret = readonly [clientId: string, clientSecret: string]

/** A secret that was made, and the one that it has replaced. */
export interface Managed {
  readonly good: Secret
  readonly ended: Secret | null
}

export interface Journal {
  readonly revoked: (readonly [TenantId, string])[]
  readonly issued: (readonly [TenantId, string])[]
  readonly used: Once[]
  readonly managed: Managed[]
}

export const createJournal = (): Journal => ({ revoked: [], issued: [], used: [], managed: [] })

export function countsOf(journals: readonly Journal[]): Readonly<Record<keyof Journal, number>> {
  const count = (kind: keyof Journal) => journals.reduce((sum, journal) => sum + journal[kind].length, 0)
  return {
    revoked: count('revoked'),
    issued: count('issued'),
    used: count('used'),
    managed: count('managed'),
  }
}

export interface Writing {
  readonly node: Node
  readonly site: Site
  readonly world: World
  /** From then on the database may be gone. */
  readonly dying: AbortSignal
}

/**
 * Asks for one thing after another, and writes down what was answered 200, until the connection breaks. Resolves when
 * one of each kind is written down.
 */
export async function startWriting(
  journal: Journal,
  writing: Writing,
): Promise<{ readonly ended: Promise<void> }> {
  const { node, site, world, dying } = writing
  const accepted = async (asking: Promise<NodeReply>): Promise<NodeReply> => {
    const reply = await asking
    if (reply.status === 200) return reply
    if (dying.aborted && reply.status === 503) throw new Error('the database is gone')
    return assert.fail(`${reply.status} ${reply.text}`)
  }
  const issue = async (tenantId: TenantId): Promise<string> =>
    (await accepted(askToken(node, site, tenantId))).json.access_token
  const works = (['acme', 'opaque'] as const).flatMap((tenantId) => [
    async () => {
      journal.issued.push([tenantId, await issue(tenantId)])
    },
    async () => {
      const token = await issue(tenantId)
      await accepted(revoke(node, site, tenantId, token))
      journal.revoked.push([tenantId, token])
    },
  ])
  const prove = async () => {
    const once = await clientAssertion(world, site)
    await accepted(ask(node, once))
    journal.used.push(once)
  }
  works.push(prove)
  await Promise.all(works.map((work) => work()))
  return { ended: untilBroken(works) }
}

async function untilBroken(works: readonly (() => Promise<void>)[]): Promise<void> {
  const forEver = async (work: () => Promise<void>) => {
    for (;;) await work()
  }
  const ends = await Promise.allSettled(works.map(forEver))
  for (const end of ends)
    if (end.status === 'rejected' && end.reason instanceof assert.AssertionError) throw end.reason
}

/** Nothing that was acknowledged is lost. */
export async function assertKept(journal: Journal, node: Node, site: Site): Promise<void> {
  const lost: string[] = []
  const expect = (what: string, isKept: boolean, text: string) => {
    if (!isKept) lost.push(`${what}: ${text}`)
  }
  const token = ([id, secret]: Secret) =>
    node.post('/acme/oauth2/token', { grant_type: 'client_credentials' }, { basic: [id, secret] })
  await Promise.all([
    ...journal.revoked.map(async ([tenantId, ended]) => {
      const { text } = await introspect(node, site, tenantId, ended)
      expect(`a revocation at ${tenantId}`, text === '{"active":false}', text)
    }),
    ...journal.issued.map(async ([tenantId, issued]) => {
      const { json, text } = await introspect(node, site, tenantId, issued)
      expect(`a token of ${tenantId}`, json?.active === true, text)
    }),
    ...journal.used.map(async (once) => {
      const { status, text } = await ask(node, once)
      expect('the use of an assertion', status === 401, text)
    }),
    ...journal.managed.map(async ({ good, ended }) => {
      const answer = await token(good)
      expect(ended === null ? 'a client' : 'a rotated secret', answer.status === 200, answer.text)
      if (ended === null) return
      const { status, text } = await token(ended)
      expect('the end of a secret', status === 401, text)
    }),
  ])
  assert.deepEqual(lost, [])
}
