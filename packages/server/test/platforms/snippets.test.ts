// The documents' own client snippets, run against a real instance: as printed, then with the smallest repair.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { curl, devInstance, type Finished, hasTool, run } from './dev-instance.ts'
import {
  describeSnippet,
  outcomeOf,
  replaced,
  type SnippetCase,
  snippetCases,
  snippetText,
} from './snippet-cases.ts'

const dev = devInstance({ hasApis: true })
const page = new URL('../../../../docs/platforms.md', import.meta.url)

const programs = {
  curl: ['bash', ['-c']],
  ruby: ['ruby', ['-e']],
  javascript: [process.execPath, ['--input-type=module', '--eval']],
} as const

const apiUrl = () => `https://localhost:${dev().apiPort}`

const caseOf = (file: string): SnippetCase =>
  snippetCases.find((candidate) => candidate.file === file) ?? assert.fail(`no case for ${file}`)

/** The token that a reader of document 003 has from the step before. */
async function bearerToken(): Promise<string> {
  const { client_id, client_secret, path_token_url } = dev().tenant('token')
  const credentials = ['--user', `${client_id}:${client_secret}`, '--data', 'grant_type=client_credentials']
  return (await curl(dev(), ...credentials, path_token_url)).json.access_token
}

async function runSnippet(language: SnippetCase['language'], text: string, proxy: string): Promise<Finished> {
  const [program, args] = programs[language]
  // Requests that a snippet sends elsewhere by mistake end at the proxy, before anybody looks up a name.
  return run(program, [...args, text], {
    ca: dev().ca,
    environment: {
      http_proxy: proxy,
      ...(text.includes('$BEARER_TOKEN') && { BEARER_TOKEN: await bearerToken() }),
    },
  })
}

/** A proxy that answers nothing and remembers which hosts it was asked for. */
async function strayHosts(t: TestContext): Promise<{ proxy: string; hosts: string[] }> {
  const hosts: string[] = []
  const server = createServer((request, response) => {
    hosts.push(new URL(request.url ?? '').hostname)
    response.writeHead(502).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  return { proxy: `http://127.0.0.1:${address.port}`, hosts }
}

/** The outcome as printed, and after each group of repairs. */
async function outcomes(snippet: SnippetCase, proxy: string): Promise<string[]> {
  let text = snippetText(snippet.file)
  const found: string[] = []
  for (const group of [[], ...snippet.repairs]) {
    text = replaced(text, group)
    const filled = replaced(text, snippet.fill(dev().tenant(snippet.platform), apiUrl()))
    found.push(outcomeOf(await runSnippet(snippet.language, filled, proxy)))
  }
  return found
}

/** Runs a snippet and holds `docs/platforms.md` to what came of it; UPDATE_DOCS=1 writes it there. */
async function checkSnippet(t: TestContext, file: string): Promise<string[]> {
  const snippet = caseOf(file)
  const { proxy } = await strayHosts(t)
  const found = await outcomes(snippet, proxy)
  const block = describeSnippet(snippet, found)
  const text = readFileSync(page, 'utf8')
  const [begin, end] = [`<!-- snippet ${file} -->\n`, '<!-- end -->']
  const from = text.indexOf(begin) + begin.length
  const to = text.indexOf(end, from)
  assert.ok(from >= begin.length && to >= from, `docs/platforms.md has no place for ${file}`)
  if (process.env.UPDATE_DOCS === '1')
    writeFileSync(page, `${text.slice(0, from)}${block}\n${text.slice(to)}`)
  else assert.equal(text.slice(from, to).trim(), block, 'UPDATE_DOCS=1 writes what is true into the page')
  return found
}

test('000-07: the curl of document 000 gets its token as printed', async (t) => {
  if (!hasTool(t, 'curl')) return
  const [printed] = await checkSnippet(t, '000-curl.txt')
  assert.equal(
    printed,
    'a token: `access_token`, `token_type` Bearer, `expires_in` 21600, `scope` openid public profile email, `created_at`',
  )
})

test("000-09: the Ruby of document 000 does not parse; repaired it asks with a password and is refused; with its curl's grant it gets a token", async (t) => {
  if (!hasTool(t, 'ruby')) return
  const [printed, repaired, further] = await checkSnippet(t, '000-ruby.txt')
  assert.equal(printed, 'does not parse')
  assert.equal(repaired, 'refused: `unsupported_grant_type`, "Supported: client_credentials."')
  assert.match(further ?? '', /^a token: `access_token`, `token_type` Bearer, `expires_in` 21600/)
})

test('001-05: the curl of document 001 sends empty values as printed; without its blanks it gets a token', async (t) => {
  if (!hasTool(t, 'curl')) return
  const [printed, repaired] = await checkSnippet(t, '001-curl.txt')
  assert.equal(printed, 'refused: `invalid_request`, "grant_type was sent without a value."')
  assert.equal(repaired, 'a token: `access_token`, `expires_in` 3600, `token_type` Bearer')
  const line = await dev().logLine(({ tenant, status }) => tenant === 'nxtsoft' && status === 400)
  assert.equal(line.reason, 'empty value: grant_type, client_id, client_secret')
})

test('001-05: the blanks make curl ask three more hosts, one of which is the secret', async (t) => {
  if (!hasTool(t, 'curl')) return
  const snippet = caseOf('001-curl.txt')
  const tenant = dev().tenant(snippet.platform)
  const { proxy, hosts } = await strayHosts(t)
  await runSnippet(
    snippet.language,
    replaced(snippetText(snippet.file), snippet.fill(tenant, apiUrl())),
    proxy,
  )
  const expected = ['client_credentials', tenant.client_id, tenant.client_secret].map((name) =>
    name.toLowerCase(),
  )
  assert.deepEqual(hosts, expected)
})

test('002-10: the curl of document 002 gets its token as printed', async (t) => {
  if (!hasTool(t, 'curl')) return
  const [printed] = await checkSnippet(t, '002-curl.txt')
  assert.match(printed ?? '', /^a token: `access_token`, `token_type` bearer, `expires_in` \d+$/)
})

test('003-04: the curl of document 003 gets its token as printed', async (t) => {
  if (!hasTool(t, 'curl')) return
  const [printed] = await checkSnippet(t, '003-curl.txt')
  assert.equal(printed, 'a token: `token_type` bearer, `access_token`')
})

test('003-18: the curl of an API of document 003 sends the name of its variable; in double quotes it sends the token', async (t) => {
  if (!hasTool(t, 'curl')) return
  const [printed, repaired] = await checkSnippet(t, '003-curl-api.txt')
  assert.match(printed ?? '', /^refused: `invalid_token`/)
  assert.equal(repaired, 'what the API answers: `{"stamps":[]}`')
})

test('004-16: the JavaScript of document 004 calls functions that do not exist; with the right ones it gets a token', async (t) => {
  const [printed, repaired] = await checkSnippet(t, '004-javascript-basic.txt')
  assert.equal(printed, 'fails before it asks: `ReferenceError: bas64_encode is not defined`')
  assert.equal(repaired, 'a token: `access_token`, `token_type` Bearer, `expires_in` 600, `scope` read')
})

test('004-15: the other JavaScript of document 004 lacks two quotes; with them it gets a token', async (t) => {
  const [printed, repaired] = await checkSnippet(t, '004-javascript-body.txt')
  assert.equal(printed, 'fails before it asks: `ReferenceError: read is not defined`')
  assert.equal(repaired, 'a token: `access_token`, `token_type` Bearer, `expires_in` 600, `scope` read')
})

test('002-19: the second curl of document 002, cut in the page, does not parse', (t) => {
  if (!hasTool(t, 'bash')) return
  const { status, stderr } = spawnSync('bash', ['-n', '-c', snippetText('002-curl-api.txt')], {
    encoding: 'utf8',
  })
  assert.notEqual(status, 0)
  assert.match(stderr, /unexpected EOF|unmatched/i)
})
