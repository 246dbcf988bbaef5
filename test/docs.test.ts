/** The documents tell the truth: their commands are run, their output is compared, their tables are those of the code. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { exitCodes } from '../packages/server/src/cli/failure.ts'
import { referenceDocuments } from '../packages/server/src/cli/reference/write.ts'
import { createMetrics } from '../packages/server/src/http/metrics.ts'
import { isMasterKeys } from '../packages/server/src/master-key.ts'
import {
  commandLine,
  freeNeighbours,
  freePorts,
  type Running,
  run,
  start,
} from '../packages/server/test/cli/processes.ts'
import { assertShape, type Command, commandsIn, documents, has, root, textOf } from './document-commands.ts'

const benchCommands = textOf('docs/performance.md').split('```sh\n')[1]?.split('\n```')[0] ?? ''

const follow =
  "curl --cacert data/ca.pem -u 'API_ID:API_SECRET' -N -H 'Accept: text/event-stream' https://localhost:8443/nitrobox/oauth2/revocations"

/** What is not run here, and why. */
const notRun: Readonly<Record<string, string>> = {
  'git clone <this repository> sallyport && cd sallyport\nnpm start':
    'test/start.test.ts runs npm start; the instance of this test is the same command',
  'npm test': 'this is npm test',
  'npm run build:packages\nnpm pack ./packages/protocol/dist ./packages/guard/dist':
    'test/published/published.test.ts builds, and packs so',
  'npm install SALLYPORT/sallyport-protocol-0.1.0.tgz SALLYPORT/sallyport-guard-0.1.0.tgz':
    'test/published/published.test.ts installs so',
  'npm run build:packages\nnpm pack ./packages/client/dist':
    'test/published/published.test.ts builds, and packs so',
  'npm install SALLYPORT/sallyport-client-0.1.0.tgz': 'test/published/published.test.ts installs so',
  'npm run sallyport -- serve --config sallyport.yaml':
    'it serves until it is stopped; packages/server/test/cli/serve.test.ts does that',
  'grep \'"request_id":"9dc0cb54-6749-4660-9e3c-297fcd054908"\' sallyport.log':
    'serve.test.ts looks error ids up in a log',
  'curl --cert billing.pem --key billing.key -d grant_type=client_credentials -d client_id=CLIENT_ID https://auth.example.com:8444/acme/oauth2/token':
    'packages/server/test/cli/mtls.test.ts runs it with a certificate',
  'npm run sallyport -- secrets report --config sallyport.yaml -    # paste it, Enter, Ctrl-D: it stands in no shell history':
    'there is no secret to paste; packages/server/test/cli/credentials.test.ts reports one',
  [follow]: 'it goes on until it is stopped; revocation-feed.test.ts follows it',
  [benchCommands]: 'bench/test/bench.test.ts runs the short form; the others take minutes',
}

interface Demo {
  readonly management: DemoClient
  readonly url: string
  readonly tenants: Readonly<Record<string, DemoTenant>>
}

type DemoTenant = DemoClient & {
  readonly apps?: Readonly<Record<string, DemoClient>>
  readonly introspection?: DemoClient
  readonly api_url?: string
}

interface DemoClient {
  readonly client_id: string
  readonly client_secret: string
}

const instance: {
  folder: string
  running: Running | undefined
  demo: Demo
  token: string
  refusal: string
} = {
  folder: '',
  running: undefined,
  demo: { url: '', tenants: {}, management: { client_id: '', client_secret: '' } },
  token: '',
  refusal: '',
}

/** A folder that looks like a clone to the commands: the data is its own, the documents are ours. */
before(async () => {
  instance.folder = mkdtempSync(join(tmpdir(), 'sallyport-docs-'))
  for (const name of ['docs', 'blueprints']) symlinkSync(join(root, name), join(instance.folder, name))
  // The example has a folder of its own; here its commands meet the instance.
  const config = textOf('docs/examples/sallyport.yaml').replace(/^(data_folder:) .*$/m, '$1 ./data')
  writeFileSync(join(instance.folder, 'sallyport.yaml'), config)
  const [port = 0] = await freePorts(1)
  const options = { cwd: instance.folder }
  const ports = ['--port', `${port}`, '--http-port', '0', '--api-port', `${await freeNeighbours()}`]
  instance.running = start(['dev', ...ports], options)
  await instance.running.says(/^Sallyport is ready/m)
  instance.demo = JSON.parse(readFileSync(join(instance.folder, 'data/demo.json'), 'utf8'))
})
after(async () => {
  await instance.running?.stop()
  rmSync(instance.folder, { recursive: true, force: true })
})

const exampleApi = /https:\/\/localhost:845[12]/g
/** What an API is called with goes on being good until it has heard otherwise. */
const comesLater = /https:\/\/localhost:8451\/notarizations\/stamps$/
const mostTries = 20

const ofExampleApi = (url: string): string => {
  const { token, nxtsoft } = instance.demo.tenants
  return (url.endsWith('1') ? token : nxtsoft)?.api_url ?? url
}

const fits = (actual: string, shown: string): boolean => {
  try {
    assertShape(actual, shown)
    return true
  } catch {
    return false
  }
}

/** The command with what a reader fills in. */
function filled({ text }: Command): string {
  const tenant = /(?:localhost:8443\/|--tenant )([a-z-]+)/.exec(text)?.[1] ?? ''
  const {
    client_id: id = '',
    client_secret: secret = '',
    apps,
    introspection,
  }: Partial<DemoTenant> = tenant === 'system'
    ? instance.demo.management
    : (instance.demo.tenants[tenant] ?? {})
  return text
    .replaceAll('API_ID', introspection?.client_id ?? '')
    .replaceAll('API_SECRET', introspection?.client_secret ?? '')
    .replaceAll('CHECKER_ID', apps?.['message-checker']?.client_id ?? '')
    .replaceAll('CHECKER_SECRET', apps?.['message-checker']?.client_secret ?? '')
    .replaceAll(/npm run (?:-s )?sallyport --/g, `'${process.execPath}' '${commandLine}'`)
    .replaceAll('https://localhost:8443', instance.demo.url)
    .replaceAll(exampleApi, (url) => ofExampleApi(url))
    .replaceAll('CLIENT_ID', id)
    .replaceAll('CLIENT_SECRET', secret)
    .replaceAll('REFUSAL_ID', instance.refusal)
    .replaceAll(/\bTOKEN\b/g, instance.token)
    .replaceAll(/^curl /gm, 'curl --silent --show-error ')
}

const runInShell = (command: Command) =>
  spawnSync('bash', ['-c', filled(command)], {
    cwd: instance.folder,
    encoding: 'utf8',
    // Instead of whoever would paste the token into a terminal.
    input: instance.token,
    env: { PATH: process.env.PATH },
  })

const toolsOf = (text: string) =>
  ['curl', 'openssl', 'sqlite3'].filter((tool) => new RegExp(`\\b${tool} `).test(text))

/** Their commands need outside issuers, and a server of their own: each has a test beside this one. */
const runElsewhere = ['docs/authentication.md', 'docs/tasks.md', 'docs/registration.md']

for (const document of documents.filter((name) => !runElsewhere.includes(name))) {
  for (const command of commandsIn(document)) {
    const reason = notRun[command.text]
    const [missing] = toolsOf(command.text).filter((tool) => !has(tool))
    const title = `${document}: ${command.text.split('\n')[0]?.slice(0, 100)}`
    test(title, { skip: reason ?? (missing === undefined ? false : `no ${missing} on this machine`) }, () => {
      let ran = runInShell(command)
      for (let tries = 1; comesLater.test(command.text) && tries < mostTries; tries += 1) {
        if (fits(ran.stdout, command.output ?? '')) break
        ran = runInShell(command)
      }
      assert.equal(ran.status, 0, ran.stdout + ran.stderr)
      if (command.output !== undefined) assertShape(ran.stdout, command.output)
      instance.token = /"access_token":"([^"]+)"/.exec(ran.stdout)?.[1] ?? instance.token
      instance.refusal = /sp_refusal_\w+/.exec(ran.stdout)?.[0] ?? instance.refusal
    })
  }
}

test('docs: what is listed as not run still stands in a document', () => {
  const written = new Set(documents.flatMap(commandsIn).map(({ text }) => text))
  assert.deepEqual(
    Object.keys(notRun).filter((text) => !written.has(text)),
    [],
  )
})

test('README: npm start ends as the README shows', () => {
  const shown = textOf('README.md').split('`npm start` ends like this:\n\n```\n')[1]?.split('\n```')[0] ?? ''
  const said = instance.running?.stdout().replaceAll(/localhost:\d+/g, 'localhost:8443') ?? ''
  assertShape(said.slice(said.indexOf('TENANT')), shown)
})

test('docs/operations.md: the master key made there is one', { skip: !has('openssl') }, () => {
  const made = readFileSync(join(instance.folder, 'master.key'), 'utf8')
  assert.ok(isMasterKeys(made.trim()), made)
})

for (const { file, present, wanted } of referenceDocuments()) {
  test(`docs: the tables of ${file.slice(root.length)} are those of the code`, () => {
    assert.equal(
      present,
      wanted,
      'run node scripts/with-runtime.mjs packages/server/src/cli/reference/write.ts',
    )
  })
}

test('docs/operations.md: exit codes, metrics and example configuration are those of the code', async () => {
  const operations = textOf('docs/operations.md')
  for (const [code, meaning] of Object.entries(exitCodes))
    assert.ok(operations.includes(`| ${code} | ${meaning} |`))
  const { body } = await createMetrics({ withProcess: false }).render()
  const ours = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  const documented = [...operations.matchAll(/^\| `(sallyport_\w+)`/gm)].map(([, name]) => name)
  assert.deepEqual(documented.toSorted(), ours.toSorted())
  const { code, stderr } = await run(
    ['serve', '--config', 'docs/examples/sallyport.yaml', '--http-port', 'x'],
    { cwd: root },
  )
  assert.deepEqual([code, stderr.split('\n').length], [2, 3], 'only the flag is wrong')
})

test('docs/operations.md: every message of the log that is no sentence stands in its table', () => {
  const sources = globSync('packages/server/src/**/*.ts', { cwd: root }).map(textOf)
  const messages = sources.flatMap((text) =>
    [...text.matchAll(/\blog\.(?:info|warn|error)\(\s*'([^':`]+)'/g)].map(([, message = '']) => message),
  )
  assert.ok(messages.includes('database lost'))
  const table = textOf('docs/operations.md').split('## Logs')[1]?.split('\n\nFields,')[0] ?? ''
  assert.deepEqual(
    messages.filter((message) => !table.includes(`\`${message}\``)),
    [],
  )
})

test('docs: links lead to files that exist', () => {
  const missing = documents.flatMap((document) =>
    [...textOf(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map(([, target = '']) => join(dirname(join(root, document)), target))
      .filter((path) => spawnSync('test', ['-e', path]).status !== 0)
      .map((path) => `${document}: ${path.slice(root.length)}`),
  )
  assert.deepEqual(missing, [])
})
