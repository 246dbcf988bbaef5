/** What a command loads before it can begin: whoever types it waits for that. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatRefusalId } from '@sallyport/protocol'
import { temporaryFolder } from '../store/each-store.ts'
import { freePorts, type Outcome, run } from './processes.ts'

interface Loading extends Outcome {
  /** What is slow to load: libraries by name, folders of the server by path. */
  readonly slow: readonly string[]
}

const isSlow =
  /node_modules\/(kysely|typebox|yaml|jose|pino|prom-client|pg)\/|server\/src\/(blueprint|management\/nouns)\//

async function loading(
  t: TestContext,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Loading> {
  const folder = temporaryFolder(t)
  const report = join(folder, 'loaded.json')
  const reporter = new URL('report-loaded.ts', import.meta.url)
  const outcome = await run(args, {
    cwd: folder,
    environment: {
      ...{ NODE_OPTIONS: `--import=${reporter}`, LOADED_FILE: report, XDG_CONFIG_HOME: folder },
      ...environment,
    },
  })
  const loaded: readonly string[] = JSON.parse(readFileSync(report, 'utf8'))
  assert.ok(loaded.some((url) => url.endsWith('/cli/command-line.ts')))
  const found = loaded.flatMap((url) => isSlow.exec(url)?.slice(1).find(Boolean) ?? [])
  return { ...outcome, slow: [...new Set(found)].toSorted() }
}

/** A server that does not answer: by then all is loaded that a call needs. */
async function unreachable(): Promise<Readonly<Record<string, string>>> {
  const [port = 0] = await freePorts(1)
  return {
    SALLYPORT_URL: `https://localhost:${port}`,
    ...{ SALLYPORT_CLIENT_ID: 'some-client', SALLYPORT_CLIENT_SECRET: 'some-secret' },
  }
}

const app = ['--tenant', 'acme', 'some-app']

for (const args of [
  ['apps', 'list', '--tenant', 'acme'],
  ['apps', 'show', ...app],
  ['apps', 'update', ...app, '--name', 'New', '--dry-run'],
  ['apps', 'remove', ...app, '--yes'],
])
  test(`manage ${args.slice(0, 2).join(' ')} begins its call without the database, the schemas and what runs operations`, async (t) => {
    const { code, stderr, slow } = await loading(t, ['manage', ...args], await unreachable())
    assert.deepEqual([code, slow], [3, []])
    assert.match(stderr, /Nothing answers at /)
  })

test('token asks its first question without the database, the schemas and what runs operations', async (t) => {
  const { SALLYPORT_URL: url = '', ...secret } = await unreachable()
  const { code, stderr, slow } = await loading(
    t,
    ['token', '--url', `${url}/acme`, '--client-id', 'x'],
    secret,
  )
  assert.deepEqual([code, slow], [3, []])
  assert.match(stderr, /Nothing answers at /)
})

test('who looks for a noun of the management API waits for no library to be sent to manage', async (t) => {
  for (const words of ['organizations list', 'apps create']) {
    const { code, stderr, slow } = await loading(t, words.split(' '))
    assert.match(stderr, /Did you mean manage /)
    // The list of apps itself reads the database.
    assert.deepEqual([code, slow.filter((name) => name !== 'kysely')], [2, []], words)
  }
})

test('only a body in YAML waits for what reads it', async (t) => {
  const args = ['manage', 'apps', 'update', ...app, '--file', '-']
  const { slow } = await loading(t, args, await unreachable())
  assert.deepEqual(slow, ['blueprint', 'typebox', 'yaml'])
})

for (const args of [
  ['--help'],
  ['manage', '--help'],
  ['manage', 'apps', 'create', '--help'],
  ['manage', 'profiles', '--names'],
  ['inspect', '--help'],
  ['inspect', formatRefusalId('insufficient_scope', 1_800_000_000, new Uint8Array(5).fill(1))],
])
  test(`${args.slice(0, 3).join(' ')} waits for no library but the one of the command line`, async (t) => {
    const { code, slow } = await loading(t, args)
    assert.deepEqual([code, slow], [0, []])
  })

const stripper = `process.on('exit', () => {
  if (process.moduleLoadList.some((name) => name.includes('amaro'))) console.error('strips types')
})`

test('a command that has run before is not held up by what Node strips types with', async () => {
  await run(['--version'])
  const reporter = `data:text/javascript,${encodeURIComponent(stripper)}`
  const { stderr } = await run(['--version'], { environment: { NODE_OPTIONS: `--import=${reporter}` } })
  assert.equal(stderr, '')
})
