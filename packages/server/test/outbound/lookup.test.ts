// trust F23, 67: names are looked up in a way that ends when we say so, and that holds up nobody else.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createFetchJson } from '../../src/outbound/fetch-json.ts'
import { createLookup } from '../../src/outbound/lookup.ts'
import { startHost } from './https-host.ts'
import { startNameServer } from './name-server.ts'

const never = new AbortController().signal

async function hostsFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hosts-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'hosts'), text)
  return join(folder, 'hosts')
}

test('trust 67: a host has the addresses that DNS knows, and for its own names those of the hosts file', async (t) => {
  const { address, asked } = await startNameServer(t, { 'keys.example': '192.0.2.7' })
  const file = await hostsFile(
    t,
    '# ours\n127.0.0.1 localhost\n10.0.0.7\tidp.internal IDP # 10.0.0.8 not.this\nfd00::7 idp.internal\nnonsense idp\n',
  )
  const lookup = createLookup({ servers: [address], hostsFile: file })
  assert.deepEqual(await lookup('keys.example', never), [{ address: '192.0.2.7', family: 4 }])
  assert.deepEqual(await lookup('idp.internal', never), [
    { address: '10.0.0.7', family: 4 },
    { address: 'fd00::7', family: 6 },
  ])
  assert.deepEqual(await lookup('idp', never), [{ address: '10.0.0.7', family: 4 }])
  assert.deepEqual(await lookup('idp.', never), [{ address: '10.0.0.7', family: 4 }])
  assert.deepEqual(new Set(asked), new Set(['keys.example']))
  await assert.rejects(lookup('not.this', never), { code: 'ENOTFOUND' })
  const without = createLookup({ servers: [address], hostsFile: join(file, 'missing') })
  assert.deepEqual(await without('keys.example', never), [{ address: '192.0.2.7', family: 4 }])
})

test('trust F23: a name server that is silent about one name holds up no other, and is left at the deadline', async (t) => {
  const { address, asked } = await startNameServer(t, { 'keys.example': '127.0.0.1', 'silent.example': null })
  const host = await startHost(t, ['keys.example'], (_request, response) => response.end('{}'))
  const ends: AbortController[] = []
  const fetchJson = createFetchJson({
    isAllowed: (one) => one === '127.0.0.1',
    authorities: [host.authority],
    lookup: createLookup({ servers: [address] }),
    deadline() {
      const end = new AbortController()
      ends.push(end)
      return end.signal
    },
  })
  const silent = [fetchJson('https://silent.example/1'), fetchJson('https://silent.example/2')]
  assert.equal((await fetchJson(`https://keys.example:${host.port}/`)).ok, true)
  assert.ok(asked.includes('silent.example'))
  for (const end of ends) end.abort()
  for (const each of silent) assert.deepEqual(await each, { ok: false, reason: 'its host took too long' })
  const lookup = createLookup({ servers: [address] })
  const end = new AbortController()
  const looking = lookup('silent.example', end.signal)
  // Once the query is on its way.
  await lookup('keys.example', never)
  end.abort()
  await assert.rejects(looking, { code: 'ECANCELLED' })
})
