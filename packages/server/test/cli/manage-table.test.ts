/** The table of operations as commands, and the client that both the command line and others call by id. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import { commandOf } from '../../src/cli/manage/operation-command.ts'
import { registerOperations } from '../../src/cli/manage/register-operations.ts'
import { listText } from '../../src/cli/manage/show.ts'
import { createManagementClient, type Fetch, ManagementRefused } from '../../src/management/client.ts'
import { descriptionOf } from '../../src/management/description.ts'
import { operations } from '../../src/management/operations.ts'

test('every operation is a command of its own, whose flags do not collide', () => {
  const group = new Command()
  registerOperations(group)
  for (const operation of operations) {
    const { words, positional } = commandOf(operation)
    const found = words.reduce<Command | undefined>(
      (command, word) => command?.commands.find((one) => one.name() === word),
      group,
    )
    assert.equal(found?.description(), operation.about, operation.command)
    assert.equal(found?.registeredArguments.length, positional === null ? 0 : 1, operation.command)
  }
})

test('whatever is changed can be read at the same path, because a change begins with that', () => {
  for (const { method, path, id } of operations)
    if (method === 'PATCH')
      assert.ok(
        operations.some((one) => one.kind === 'read' && one.path === path),
        id,
      )
})

test('the thing itself needs no flag, and what it lies in has one', () => {
  const usage = (id: string) => {
    const found = operations.find((operation) => operation.id === id)
    assert.ok(found)
    const { positional, options } = commandOf(found)
    return [positional, ...options.filter(({ mandatory }) => mandatory).map(({ long }) => long)]
  }
  assert.deepEqual(usage('listApps'), [null, '--tenant'])
  assert.deepEqual(usage('readApp'), ['app', '--tenant'])
  assert.deepEqual(usage('createApp'), [null, '--tenant', '--organization'])
  assert.deepEqual(usage('rotateSecret'), [null, '--tenant', '--app'])
  assert.deepEqual(usage('removeCredential'), ['credential', '--tenant', '--app'])
  assert.deepEqual(usage('readTenant'), ['tenant'])
  assert.deepEqual(usage('readMembership'), ['member', '--tenant'])
  for (const what of ['listAppsOfOrganization', 'listNoticesOfOrganization', 'listRevocationsOfOrganization'])
    assert.deepEqual(usage(what), ['organization', '--tenant'])
})

/** As a terminal of that width would show it. */
function helpOf(...words: readonly string[]): string {
  const group = new Command()
  registerOperations(group)
  const found = words.reduce<Command | undefined>(
    (command, word) => command?.commands.find((one) => one.name() === word),
    group,
  )
  assert.ok(found)
  let shown = ''
  found.configureOutput({ writeOut: (text) => (shown += text), getOutHelpWidth: () => 200 }).outputHelp()
  return shown
}

test('the help of a command says which flags are required, and what only --set and --file can say', () => {
  const creating = helpOf('apis', 'create')
  for (const flag of ['--tenant', '--id', '--audience'])
    assert.match(creating, new RegExp(`^ *${flag} <.*\\(required\\)$`, 'm'))
  assert.match(creating, /--name <value> +what people call it \(default: none\)$/m)
  assert.match(
    creating,
    /^Only with --set or --file:\n {2}scopes {5}every scope .*; a map of .*\n {2}endpoints {2}what /m,
  )
  const changing = helpOf('apis', 'update')
  assert.deepEqual(changing.match(/--[\w-]+(?= .*\(required\))/g), ['--tenant'])
  assert.doesNotMatch(helpOf('users', 'create'), /Only with/)
  assert.match(helpOf('credentials', 'create'), /--secret <value> +where .*; one of generated\n/)
})

test('the help of a command says of each member what it is for, beside its form, and what holds without it', () => {
  const rotating = helpOf('credentials', 'rotate')
  assert.match(rotating, /--app <client-id> +the client id of the app \(required\)$/m)
  const [overlap = ''] = /--overlap-seconds <value>[\s\S]*?(?=\n +--)/.exec(rotating) ?? []
  assert.match(
    overlap.replaceAll(/\s+/g, ' '),
    /how long the secrets that are good now stay good .*; whole seconds, 0 to 31536000 \(default: 604800 \(7 days\)\)$/,
  )
  for (const { id, body, query } of operations.map(descriptionOf)) {
    for (const [name, { about }] of Object.entries(body?.properties ?? {})) assert.ok(about, `${id}: ${name}`)
    for (const [name, { about, description }] of Object.entries(query?.properties ?? {}))
      assert.ok(about ?? description, `${id}: ${name}`)
  }
  // What is left out of a change stays.
  assert.doesNotMatch(helpOf('apps', 'update'), /default:/)
  assert.doesNotMatch(helpOf('apps', 'create'), /`/)
})

test('a list shows the approval of plans, where any of them needs it', () => {
  const plans = operations.find(({ id }) => id === 'listPlans')
  const plan = { id: 'free', price: 'free', blueprint: null, created_at: 1_800_000_000 }
  const shown = listText(plans?.output ?? null, [plan, { ...plan, id: 'gold', approval: true }])
  assert.match(shown, /^ID +PRICE +APPROVAL +CREATED AT\nfree +free +- .*\ngold +free +yes /)
  assert.doesNotMatch(listText(plans?.output ?? null, [plan]), /APPROVAL/)
})

/** A server that answers by number, and keeps what it was asked. */
function answering(...answers: readonly Response[]) {
  const asked: { url: string; method: string; headers: Readonly<Record<string, string>> }[] = []
  const fetch: Fetch = async (url, { method, headers }) => {
    asked.push({ url, method, headers })
    return answers[asked.length - 1] ?? new Response(null, { status: 500 })
  }
  const client = createManagementClient({
    url: 'https://a.example/manage/v1',
    fetch,
    token: async () => 'token',
  })
  return { asked, client }
}

test('the client follows the cursor of a list to its end, or to as many as are wanted', async () => {
  const page = (count: number, next: string | null) =>
    Response.json({ items: Array.from({ length: count }, (_, id) => ({ id })), next_cursor: next })
  const whole = answering(page(200, 'two'), page(200, 'three'), page(5, null))
  assert.equal((await whole.client.all('listApps', { params: { tenant: 'acme' } })).length, 405)
  assert.deepEqual(
    whole.asked.map(({ url }) => new URL(url).search),
    ['?limit=200', '?limit=200&cursor=two', '?limit=200&cursor=three'],
  )
  const some = answering(page(200, 'two'), page(10, 'three'))
  const found = await some.client.list('listApps', { params: { tenant: 'acme' } }, 210)
  assert.deepEqual([found.items.length, found.next_cursor], [210, 'three'])
  assert.deepEqual(new URL(some.asked[1]?.url ?? '').search, '?limit=10&cursor=two')
})

test('trust F19: no name that the client is given moves the path to another place', async () => {
  const { asked, client } = answering(Response.json({}))
  await client.call('readTrustedIssuer', { params: { tenant: 'acme', issuer: 'https://b.example/../?x#y' } })
  assert.equal(
    new URL(asked[0]?.url ?? '').pathname,
    '/manage/v1/tenants/acme/trusted-issuers/https%3A%2F%2Fb.example%2F..%2F%3Fx%23y',
  )
  for (const app of ['..', '.', ''])
    await assert.rejects(client.call('readApp', { params: { tenant: 'acme', app } }), TypeError)
})

test('RFC 9457: a refusal has its code, what does not fit, and the request id; anything else is no answer of ours', async () => {
  const problem = {
    ...{ code: 'invalid_body', title: 'It does not fit.', request_id: 'b7c1' },
    errors: [{ pointer: '/name', found: '1', expected: 'a text' }],
  }
  const { client } = answering(
    Response.json(problem, { status: 400 }),
    new Response('<html>', { status: 200 }),
  )
  const refusal = async () => {
    try {
      await client.call('readMe')
    } catch (error) {
      if (error instanceof ManagementRefused) return error
    }
    return assert.fail('it was no refusal')
  }
  const { code, status, misfits, requestId } = await refusal()
  assert.deepEqual([code, status, misfits, requestId], ['invalid_body', 400, problem.errors, 'b7c1'])
  assert.equal((await refusal()).code, 'no_problem')
})
