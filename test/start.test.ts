// The scripts behind `npm start` and `npm test`, run for real in a project of their own with a stand-in for npm.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const installs = `
  const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs')
  appendFileSync('installs', process.argv.slice(2).join(' ') + '\\n')
  mkdirSync('node_modules', { recursive: true })
  setTimeout(() => {}, 300)`
const fails = `console.error('npm error code ENOTFOUND'); process.exit(1)`
const hangs = `require('node:fs').writeFileSync('npm-runs', String(process.pid)); setInterval(() => {}, 1000)`

const standIn = `
  process.on('SIGTERM', () => process.exit(7))
  console.log('ready ' + process.argv.slice(2).join(' '))
  if (process.argv.includes('--stay')) setInterval(() => {}, 1000)
  else process.exitCode = 3
`

/** A project with our scripts, no packages, and an npm and a command line that only pretend. */
function createProject(t: TestContext, npm: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-start-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(fileURLToPath(new URL('../scripts', import.meta.url)), join(folder, 'scripts'), { recursive: true })
  mkdirSync(join(folder, 'packages/server/bin'), { recursive: true })
  writeFileSync(join(folder, 'packages/server/bin/sallyport.mjs'), standIn)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'package-lock.json'), '{"packages":{}}')
  mkdirSync(join(folder, 'npm'))
  writeFileSync(join(folder, 'npm/package.json'), '{"type":"commonjs"}')
  writeFileSync(join(folder, 'npm/npm-cli.js'), npm)
  return folder
}

type Started = {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<unknown[]>
}

function start(folder: string, ...args: string[]): Started {
  const { npm_lifecycle_event: _, npm_node_execpath: __, ...env } = process.env
  const child = spawn(process.execPath, [join(folder, 'scripts/start.mjs'), ...args], {
    cwd: folder,
    env: { ...env, npm_execpath: join(folder, 'npm/npm-cli.js'), npm_config_omit: 'dev' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  return { child, output: () => output, ended: once(child, 'close') }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

const installsIn = (folder: string) => readFileSync(join(folder, 'installs'), 'utf8').trim().split('\n')

test('set-up: the first start installs without install scripts, the second does not, and both hand on arguments and exit code', async (t) => {
  const folder = createProject(t, installs)
  const first = start(folder, '--port', '1')
  assert.deepEqual(await first.ended, [3, null])
  assert.match(first.output(), /^Installing packages [\s\S]*\nInstalled in \d+ s\.\nready dev --port 1\n$/)
  assert.match(installsIn(folder)[0] ?? '', /^ci --ignore-scripts --include=dev /)
  const second = start(folder)
  assert.deepEqual(await second.ended, [3, null])
  assert.equal(second.output(), 'ready dev\n')
  assert.equal(installsIn(folder).length, 1)
  writeFileSync(join(folder, 'package-lock.json'), '{"packages":{"":{}}}')
  await start(folder).ended
  assert.equal(installsIn(folder).length, 2, 'another lock file, another installation')
})

test('set-up: two first starts side by side install once', async (t) => {
  const folder = createProject(t, installs)
  const both = [start(folder), start(folder)]
  assert.deepEqual(await Promise.all(both.map(({ ended }) => ended)), [
    [3, null],
    [3, null],
  ])
  assert.equal(installsIn(folder).length, 1)
  assert.ok(!existsSync(join(folder, '.installing')))
})

test('set-up: a lock left by a start that died does not stop the next one', async (t) => {
  const folder = createProject(t, hangs)
  const killed = start(folder)
  await until(() => existsSync(join(folder, 'npm-runs')))
  killed.child.kill('SIGKILL')
  await killed.ended.catch(() => {})
  process.kill(Number(readFileSync(join(folder, 'npm-runs'), 'utf8')), 'SIGKILL')
  assert.ok(existsSync(join(folder, '.installing')))
  writeFileSync(join(folder, 'npm/npm-cli.js'), installs)
  assert.deepEqual(await start(folder).ended, [3, null])
})

test('set-up: without a network, the last lines of npm and one sentence', async (t) => {
  const folder = createProject(t, fails)
  const { ended, output } = start(folder)
  assert.deepEqual(await ended, [1, null])
  assert.match(
    output(),
    /npm error code ENOTFOUND\nThe packages could not be installed: the package registry cannot be reached; [^\n]*\n$/,
  )
  assert.ok(!existsSync(join(folder, '.installing')))
})

test('set-up: SIGTERM during the installation ends npm too and leaves no lock', async (t) => {
  const folder = createProject(t, hangs)
  const { child, ended } = start(folder)
  await until(
    () => existsSync(join(folder, 'npm-runs')) && readFileSync(join(folder, 'npm-runs'), 'utf8') !== '',
  )
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [143, null])
  assert.ok(!existsSync(join(folder, '.installing')))
  assert.throws(() => process.kill(Number(readFileSync(join(folder, 'npm-runs'), 'utf8')), 0), {
    code: 'ESRCH',
  })
})

test('set-up: SIGTERM reaches the server, which drains, and its exit code comes back', async (t) => {
  const folder = createProject(t, installs)
  const { child, ended, output } = start(folder, '--stay')
  await until(() => output().includes('ready'))
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [7, null])
})
