// The stages of `npm test`. The test runner comes last, so that its own summary closes the output.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { run } from './child.mjs'
import { ensureInstalled } from './install.mjs'
import { binaryOf, findNode, root } from './runtime.mjs'

const testFiles = [
  'packages/*/test/**/*.test.ts',
  'bench/test/**/*.test.ts',
  'clients/test/**/*.test.ts',
  'test/**/*.test.ts',
]

export async function runStages(files) {
  await ensureInstalled(root)
  const node = findNode()
  const postgres = startPostgres(node)
  try {
    const codes = [
      await stage('Type check', node, [binaryOf('typescript', 'tsc'), '--noEmit']),
      await stage('Lint', node, [binaryOf('@biomejs/biome', 'biome'), 'check', '--error-on-warnings', '.']),
      await tests(node, await postgres.url, files.length > 0 ? files : testFiles),
    ]
    process.exitCode = codes.find((code) => code !== 0) ?? 0
  } finally {
    postgres.stop()
  }
}

async function stage(title, node, args) {
  console.log(`▸ ${title} …`)
  const startedAt = Date.now()
  const { code, interrupted } = await run(node, args, { cwd: root, stdio: 'inherit' })
  if (interrupted) process.exit(interrupted)
  const outcome = code === 0 ? 'passed' : 'FAILED, so this run fails whatever the tests say'
  console.log(`▸ ${title}: ${outcome} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`)
  return code
}

async function tests(node, postgresUrl, files) {
  console.log(`▸ Tests (storage: ${process.env.STORAGE ?? 'sqlite and postgres'}) …`)
  const env = {
    // Each file of tests is a process that would strip the types of the whole server anew: a sixth of their time.
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/tests'),
    ...process.env,
    ...(postgresUrl && { SALLYPORT_TEST_POSTGRES: postgresUrl }),
  }
  const args = ['--test', '--test-reporter=spec', '--test-timeout=300000', ...files]
  return (await run(node, args, { cwd: root, env, stdio: 'inherit' })).code
}

/** One PostgreSQL for the whole run. It ends when its standard input does, so it cannot outlive this process. */
function startPostgres(node) {
  const given = process.env.SALLYPORT_TEST_POSTGRES
  if (given || process.env.STORAGE === 'sqlite') return { url: Promise.resolve(given), stop: () => {} }
  const server = spawn(node, [join(root, 'packages/server/test/postgres-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const url = new Promise((resolve) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const { ready, problem } = JSON.parse(line)
      if (problem) console.error(`▸ PostgreSQL did not start: ${problem}`)
      resolve(ready)
    })
    server.on('exit', () => resolve(undefined))
  })
  return { url, stop: () => server.stdin.end() }
}
