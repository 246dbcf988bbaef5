/** Which server `sallyport manage` is for: profiles and their file, variables, and the development instance of a folder. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../store/each-store.ts'
import { environmentOf, useServer } from './manage-server.ts'
import { commandLine, run } from './processes.ts'

const server = useServer()

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

/** A person's own settings. */
function newHome(t: TestContext) {
  const home = temporaryFolder(t)
  const environment = { XDG_CONFIG_HOME: home }
  return {
    file: join(home, 'sallyport', 'profiles.json'),
    environment,
    login: (name: string, secret: string) =>
      run(
        [
          ...['manage', 'login', name, '--url', server().url],
          ...['--client-id', server().operator[0], '--ca', server().ca],
        ],
        { environment, input: `${secret}\n` },
      ),
    manage: (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      run(['manage', ...args], { environment: { ...environment, ...more } }),
  }
}

test('a login is kept under its name for its owner alone, and is listed without its secret', async (t) => {
  const { file, login, manage } = newHome(t)
  const [id, secret] = server().operator
  const { code, stdout, stderr } = await login('prod', secret)
  assert.deepEqual([code, stderr], [0, ''])
  assert.equal(stdout, `Profile prod is app ${id} at ${server().url}, kept in ${file}.\n`)
  assert.deepEqual([modeOf(file), modeOf(join(file, '..'))], ['600', '700'])
  const listed = await manage(['profiles', '--json'])
  assert.deepEqual(JSON.parse(listed.stdout), [
    { name: 'prod', url: server().url, client_id: id, ca: server().ca },
  ])
  assert.doesNotMatch(listed.stdout + (await manage(['profiles'])).stdout, /sp_live_/)
})

test('a profile is named by flag or variable, the only one needs no name, and of several none is guessed', async (t) => {
  const { file, login, manage } = newHome(t)
  const [, secret] = server().operator
  await login('prod', secret)
  const only = await manage(['me'])
  assert.match(only.stdout, /^actor +app /)
  const { profiles } = JSON.parse(readFileSync(file, 'utf8'))
  const away = { ...profiles.prod, url: 'https://localhost:1' }
  writeFileSync(file, JSON.stringify({ profiles: { ...profiles, away } }), { mode: 0o600 })
  const guessed = await manage(['me'])
  assert.deepEqual([guessed.code, guessed.stderr], [2, 'Choose a profile with --profile: prod, away.\n'])
  assert.equal((await manage(['me', '--profile', 'prod'], { SALLYPORT_PROFILE: 'away' })).code, 0)
  assert.equal((await manage(['me'], { SALLYPORT_PROFILE: 'prod' })).code, 0)
  const wrong = await manage(['me', '--profile', 'prd'])
  assert.deepEqual([wrong.code, wrong.stderr], [2, 'There is no profile prd; there are: prod, away.\n'])
  const both = await manage(['me'], { SALLYPORT_PROFILE: 'prod', SALLYPORT_URL: server().url })
  assert.deepEqual([both.code, /exclude each other/.test(both.stderr)], [2, true])
  assert.match((await manage(['logout', 'away'])).stdout, /^Profile away is forgotten\./)
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(file, 'utf8')).profiles), ['prod'])
})

test('a secret that does not work is not kept, and never printed', async (t) => {
  const { file, environment, login } = newHome(t)
  const { code, stdout, stderr } = await login('prod', 'sp_live_wrong')
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /does not know client .+ \(profile prod\)\. Request id: /)
  assert.doesNotMatch(stderr, /sp_live_wrong/)
  const away = await run(['manage', 'login', 'prod', '--url', 'https://localhost:1', '--client-id', 'a'], {
    environment,
    input: 'sp_live_wrong',
  })
  assert.deepEqual([away.code, /\nNothing was kept\.\n$/.test(away.stderr)], [3, true])
  assert.ok(!existsSync(file))
})

const hasScript = spawnSync('script', ['--version']).status === 0

test('a secret that is typed at a terminal is not shown', {
  skip: !hasScript && 'needs script',
}, async (t) => {
  const { file, environment } = newHome(t)
  const [id, secret] = server().operator
  const words = ['manage', 'login', 'prod', '--url', server().url, '--client-id', id, '--ca', server().ca]
  const command = [process.execPath, commandLine, ...words].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env.PATH, ...environment },
  })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    // The terminal is silent from the moment that the question is there.
    if (!shown.includes('Secret of ') && text.includes('Secret of ')) child.stdin.write(`${secret}\n`)
    shown += text
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 0, shown)
  assert.ok(!shown.includes(secret), shown)
  assert.match(shown, /Profile prod is app /)
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).profiles.prod.client_secret, secret)
})

test('a file of profiles that others can read is not used', async (t) => {
  const { file, login, manage } = newHome(t)
  await login('prod', server().operator[1])
  chmodSync(file, 0o640)
  const { code, stderr } = await manage(['me'])
  assert.equal(code, 2)
  assert.match(stderr, /^Others can read the secrets in .+ chmod 600 /)
})

test('variables alone are enough, the secret also from a file', async (t) => {
  const folder = temporaryFolder(t)
  const { SALLYPORT_CLIENT_SECRET: secret = '', ...others } = environmentOf(server(), server().operator)
  const file = join(folder, 'secret')
  writeFileSync(file, `${secret}\n`)
  const environment = { ...others, XDG_CONFIG_HOME: folder, SALLYPORT_CLIENT_SECRET_FILE: file }
  const { code, stdout, stderr } = await run(['manage', 'me'], { environment })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^actor +app /)
  const without = await run(['manage', 'me'], { environment: { ...others, XDG_CONFIG_HOME: folder } })
  assert.equal(without.code, 2)
  assert.match(without.stderr, /^SALLYPORT_URL needs /)
})

test('in the folder of a development instance nothing needs to be said; elsewhere the next step is', async (t) => {
  const folder = temporaryFolder(t)
  const environment = { XDG_CONFIG_HOME: join(folder, 'config') }
  const nowhere = await run(['manage', 'me'], { cwd: folder, environment })
  assert.deepEqual([nowhere.code, /sallyport manage login PROFILE/.test(nowhere.stderr)], [2, true])
  const [client_id, client_secret] = server().operator
  const management = { url: `${server().url}/manage/v1`, client_id, client_secret }
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data', 'demo.json'), JSON.stringify({ ca: server().ca, management }))
  const { code, stdout, stderr } = await run(['manage', 'me'], { cwd: folder, environment })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^actor +app /)
})
