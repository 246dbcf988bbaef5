/** Issue 5, 5: the recipes of docs/tasks.md and docs/registration.md, each command run in its order against one server that `serve` has started. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ensureLocalCertificate } from '../packages/server/src/dev/local-ca.ts'
import { systemEffects } from '../packages/server/src/effects.ts'
import { freePorts, type Running, start } from '../packages/server/test/cli/processes.ts'
import { assertShape, type Command, commandsIn, has, root } from './document-commands.ts'

const shownUrl = 'https://auth.example.com'

const server: { folder: string; url: string; ca: string; running: Running | undefined } = {
  ...{ folder: '', url: '', ca: '', running: undefined },
}

/** A folder that looks like a release, with a server beside it. */
before(async () => {
  server.folder = mkdtempSync(join(tmpdir(), 'sallyport-tasks-'))
  for (const name of ['docs', 'node_modules']) symlinkSync(join(root, name), join(server.folder, name))
  const [port = 0] = await freePorts(1)
  server.url = `https://localhost:${port}`
  const folder = join(server.folder, 'tls')
  const made = await ensureLocalCertificate({ folder, hosts: ['localhost'], effects: systemEffects })
  server.ca = made.caFile
  const settings = {
    ...{ base_url: server.url, listen_host: '127.0.0.1', listen_port: port, data_folder: './data' },
    ...{ tls_certificate_file: made.certFile, tls_key_file: made.keyFile },
  }
  writeFileSync(join(server.folder, 'sallyport.yaml'), JSON.stringify(settings))
  await serve()
})
after(async () => {
  await server.running?.stop()
  rmSync(server.folder, { recursive: true, force: true })
})

async function serve(): Promise<void> {
  const environment = { NODE_OPTIONS: `--import=${join(root, 'test/answer-names.ts')}` }
  server.running = start(['serve', '--config', 'sallyport.yaml'], { cwd: server.folder, environment })
  await server.running.says(/"msg":"ready"/)
}

/** What the service manager of the reader does. */
const service: Readonly<Record<string, () => Promise<unknown>>> = {
  'systemctl stop sallyport': async () => server.running?.stop(),
  'systemctl start sallyport': serve,
}

/** The commands whose answer is no, and with which code they say so. */
const refused: Readonly<Record<string, number>> = {
  'sallyport manage organizations subscribe globex --tenant nova --plan partner --profile globex': 2,
  'sallyport inspect --config sallyport.yaml': 1,
}

/** What the server counts in memory and writes now and then; and tokens, which it holds back for seconds after a cut-off. */
const comesLater =
  /^sallyport manage (?:dialect-uses|credentials) list |^curl .* --form |^sallyport audit verify .* && /

/** What the reader has seen last, under the name that the document has for it. */
const seen: Record<string, string> = {}
const printed: Readonly<Record<string, RegExp>> = {
  CLIENT_ID: /^(?:client_id +|CLIENT ID +CLIENT SECRET\n|.*"client_id":")([a-z0-9]{24})/m,
  CLIENT_SECRET: /^(?:client_secret +|CLIENT ID +CLIENT SECRET\n\w+ +|.*"client_secret":")(sp_live_\w+)/m,
  INITIAL_TOKEN: /^token +(sp_iat_\w+)/m,
  REGISTRATION_TOKEN: /registration_access_token(?:":"| +)(sp_rat_\w+)/,
  KEY_REQUEST: /^id +(req_\w+)/m,
  TRUSTED_ISSUER: /^id +(\w+)\nissuer/m,
  TOKEN: /"access_token":"([^"]+)"/,
}

const filled = (text: string): string =>
  text
    .replaceAll(/\b[A-Z]+_[A-Z]+\b/g, (name) => seen[name] ?? name)
    .replaceAll(shownUrl, server.url)
    .replaceAll(/^curl /gm, 'curl --silent --show-error ')

let exported = ''

function runInShell({ text }: Command): { readonly status: number | null; readonly output: string } {
  const { status, stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${exported}\nset -e\n${filled(text)}`], {
    cwd: server.folder,
    encoding: 'utf8',
    // What a reader would type or paste.
    input: text.startsWith('sallyport inspect') ? seen.TOKEN : seen.CLIENT_SECRET,
    env: {
      ...{ PATH: process.env.PATH, HOME: server.folder },
      // The reader's system trusts the server's authority.
      ...{ NODE_EXTRA_CA_CERTS: server.ca, CURL_CA_BUNDLE: server.ca },
    },
  })
  return { status, output: stdout.replaceAll(server.url, shownUrl) }
}

const fits = (output: string, shown: string): boolean => {
  try {
    assertShape(output, shown)
    return true
  } catch {
    return false
  }
}

const mostTries = 400

function runUntilShown(command: Command): ReturnType<typeof runInShell> {
  for (let tries = 1; tries < mostTries; tries += 1) {
    const ran = runInShell(command)
    if (fits(ran.output, command.output ?? '')) return ran
  }
  return runInShell(command)
}

/** The second goes on where the first ends. */
for (const command of ['docs/tasks.md', 'docs/registration.md'].flatMap(commandsIn)) {
  const { document, text, output: shown } = command
  const missing = ['curl', 'sqlite3'].find((tool) => text.includes(`${tool} `) && !has(tool))
  const skip = missing === undefined ? false : `no ${missing} on this machine`
  test(`issue 5, 5: ${document}: ${text.split('\n')[0]?.slice(0, 100)}`, { skip }, async () => {
    const ofService = service[text]
    if (ofService) {
      await ofService()
      return
    }
    const { status, output } = comesLater.test(text) ? runUntilShown(command) : runInShell(command)
    assert.equal(status, refused[text] ?? 0, output)
    if (shown !== undefined) assertShape(output, shown)
    if (text.startsWith('export ')) exported += `${text}\n`
    for (const [name, pattern] of Object.entries(printed))
      seen[name] = pattern.exec(output)?.[1] ?? seen[name] ?? ''
  })
}
