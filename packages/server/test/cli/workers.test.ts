/** `sallyport serve --workers N`: several processes that are one server to whoever asks. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { app, blueprint, tenant } from '../oauth/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { ask, askToken, basic, freePorts, type Running, run, startFor } from './processes.ts'

const resourceServer = app('api', { scopes: {}, introspects: ['rest'] })

interface Started {
  readonly running: Running
  readonly url: string
  readonly metricsUrl: string
  readonly config: string
  readonly secretOf: (appId: string) => readonly [string, string]
}

const endingWorkers = fileURLToPath(new URL('./ending-workers.ts', import.meta.url))
const proxied = { 'X-Forwarded-Proto': 'https' }
const isReady = /"msg":"ready"/

async function startTwo(t: TestContext): Promise<Started> {
  const started = await beginTwo(t)
  await started.running.says(isReady)
  return started
}

/** Without waiting for them. */
async function beginTwo(t: TestContext): Promise<Started> {
  const folder = temporaryFolder(t)
  const data = join(folder, 'data')
  const file = join(folder, 'blueprint.yaml')
  writeFileSync(file, blueprint(tenant('acme', [app('sync'), resourceServer])))
  const { code, stdout, stderr } = await run(['apply', file, '--json', '--data', data])
  assert.equal(code, 0, stderr)
  const made: { app: string; client_id: string; client_secret: string }[] = JSON.parse(stdout).generated
  const [port = 0, metricsPort = 0] = await freePorts(2)
  const settings = { base_url: 'https://localhost', listen_host: '127.0.0.1', proxies: ['127.0.0.1'] }
  const config = join(folder, 'sallyport.yaml')
  const ports = { listen_port: port, metrics_port: metricsPort, metrics_host: '127.0.0.1' }
  writeFileSync(config, JSON.stringify({ ...settings, ...ports, data_folder: data }))
  const running = startFor(t, ['serve', '--config', config, '--workers', '2'])
  return {
    ...{ running, config },
    url: `http://127.0.0.1:${port}/acme`,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    secretOf(appId) {
      const found = made.find(({ app: id }) => id === appId) ?? assert.fail(JSON.stringify(made))
      return [found.client_id, found.client_secret]
    },
  }
}

const tokenOf = async ({ url, secretOf }: Started): Promise<string> => {
  const answer = await askToken(`${url}/oauth2/token`, secretOf('sync'), { headers: proxied })
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text).access_token
}

function post({ url, secretOf }: Started, path: string, appId: string, token: string) {
  const headers = {
    ...proxied,
    Authorization: basic(...secretOf(appId)),
    'Content-Type': 'application/x-www-form-urlencoded',
  }
  return ask(`${url}/oauth2/${path}`, { method: 'POST', headers, body: `token=${token}` })
}

/** The processes that a process has started. */
const childrenOf = (pid: number | undefined): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

const onLinux = { skip: process.platform !== 'linux' && 'finds the workers through /proc' }

test('issue 4: two workers answer as one, and a token revoked at one is dead at both', async (t) => {
  const started = await startTwo(t)
  const token = await tokenOf(started)
  assert.equal((await post(started, 'revoke', 'sync', token)).status, 200)
  const isDeadEverywhere = async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(started, 'introspect', 'api', token)),
    )
    return answers.every(({ text }) => text === '{"active":false}')
  }
  // The other process follows within a poll; that it gets there is what counts here.
  while (!(await isDeadEverywhere())) {}
  const other = await tokenOf(started)
  assert.equal(JSON.parse((await post(started, 'introspect', 'api', other)).text).active, true)
})

test('issue 4: metrics are those of all workers together, and SIGTERM ends all of them in order', async (t) => {
  const started = await startTwo(t)
  for (let time = 0; time < 6; time += 1) await tokenOf(started)
  const { text } = await ask(started.metricsUrl)
  assert.match(text, /^sallyport_token_requests_total\{tenant="acme",outcome="ok"\} 6$/m)
  assert.match(text, /^sallyport_request_duration_seconds_count\{endpoint="token"\} 6$/m)
  assert.match(text, /^sallyport_workers 2$/m)
  const { code, stdout, stderr } = await started.running.stop()
  assert.deepEqual([code, stderr], [0, ''])
  const words = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).msg)
  assert.deepEqual([...new Set(words)], ['ready', 'token issued', 'draining', 'stopped'])
})

test('trust F9, 44: two workers have one limit of wrong secrets, of 200 at once and afterwards', async (t) => {
  const started = await startTwo(t)
  const [clientId, secret] = started.secretOf('sync')
  const guess = async (number: number) => {
    const wrong = `sp_test_${String(number).padStart(49, '0')}`
    const { status } = await askToken(`${started.url}/oauth2/token`, [clientId, wrong], { headers: proxied })
    return status
  }
  const guesses = async () => {
    const together = await Promise.all(Array.from({ length: 200 }, (_, number) => guess(number)))
    const later: number[] = []
    for (let number = 200; number < 240; number += 1) later.push(await guess(number))
    return { together, later }
  }
  // The limit begins anew with each minute: one that ends in between says nothing.
  const minuteNow = () => Math.floor(Date.now() / 60_000)
  let minute = minuteNow()
  let seen = await guesses()
  while (minute !== minuteNow()) {
    minute = minuteNow()
    seen = await guesses()
  }
  const evaluated = seen.together.filter((status) => status === 401).length
  // Each expects the other to have counted as much as it has not told yet, so both stop at 6: twelve. One that hears of
  // its own 6 before it hears of the other's goes on to 10. Without a word between them it would be 20.
  assert.ok(evaluated <= 16, String(evaluated))
  assert.deepEqual(new Set(seen.later.slice(20)), new Set([429]))
  const right = await askToken(`${started.url}/oauth2/token`, [clientId, secret], { headers: proxied })
  assert.equal(right.status, 200)
})

test(
  'issue 4: a worker that is killed is replaced, the other goes on answering, and no counter falls',
  onLinux,
  async (t) => {
    const started = await startTwo(t)
    const { pid } = started.running.child
    const [victim = 0, survivor] = childrenOf(pid)
    for (let time = 0; time < 6; time += 1) await tokenOf(started)
    const before = await countersOf(started)
    assert.equal(before.get('sallyport_token_requests_total{tenant="acme",outcome="ok"}'), 6)
    process.kill(victim, 'SIGKILL')
    await started.running.says(
      new RegExp(
        `"pid":${victim},"reason":"SIGKILL","seconds":1,"msg":"worker ended, and another is started"`,
      ),
    )
    await tokenOf(started)
    const [, replacement] =
      /"pid":(\d+),"seconds":[1-9]\d*,"msg":"worker is ready"/.exec(
        await started.running.says(/worker is ready/),
      ) ?? []
    assert.deepEqual(new Set(childrenOf(pid)), new Set([survivor, Number(replacement)]))
    await tokenOf(started)
    const after = await countersOf(started)
    for (const [series, value] of before) assert.ok((after.get(series) ?? 0) >= value, series)
    assert.equal((await started.running.stop('SIGINT')).code, 0)
  },
)

test(
  'operations: a worker that cannot be replaced is tried again, less and less often, until it can',
  onLinux,
  async (t) => {
    const started = await startTwo(t)
    const { running, config, url, secretOf } = started
    const [victim = 0, survivor = 0] = childrenOf(running.child.pid)
    const settings = readFileSync(config, 'utf8')
    writeFileSync(config, 'no settings')
    process.kill(victim, 'SIGKILL')
    await running.says(/"seconds":4/)
    writeFileSync(config, settings)
    // Whoever answers from now on has been started anew.
    process.kill(survivor, 'SIGKILL')
    await running.says(new RegExp(`"pid":${survivor},"reason":"SIGKILL","seconds":1,`))
    const answer = () => askToken(`${url}/oauth2/token`, secretOf('sync'), { headers: proxied })
    let status = 0
    while (status !== 200) {
      status = await answer().then(
        (reply) => reply.status,
        () => 0,
      )
    }
    await running.says(/worker is ready.*worker is ready/s)
    const { code, stdout } = await running.stop()
    assert.equal(code, 0)
    const waits = [...stdout.matchAll(/(?<="seconds":)\d+(?=,"msg":"worker is ready")/g)].map(Number)
    // The place of the first was empty over three tries, with 1, 2 and 4 seconds between them.
    assert.ok(waits.length === 2 && Math.max(...waits) >= 7, String(waits))
    assert.deepEqual(stdout.match(/(?<="reason":").*(?=,"msg":"worker ended)/g), [
      'SIGKILL","seconds":1',
      'exit code 2","seconds":2',
      'exit code 2","seconds":4',
      'SIGKILL","seconds":1',
    ])
  },
)

for (const [ends, said, code] of [
  [['clean', 'clean', 'clean'], 'clean', 0],
  [['clean', 'cut', 'clean'], 'cut', 0],
  [['cut', 'failed', 'clean'], 'a worker failed', 1],
] as const)
  test(`operations: "stopped" says the worst of how the workers ended: ${ends.join(', ')}`, async () => {
    const child = spawn(process.execPath, [endingWorkers, ...ends], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    const words: unknown[] = []
    for await (const line of lines) {
      words.push(JSON.parse(line))
      if (line.includes('ready')) child.kill('SIGTERM')
    }
    const ended = child.exitCode ?? (await once(child, 'exit'))[0]
    assert.deepEqual(words, [['ready'], ['draining', { reason: 'SIGTERM' }], ['stopped', { reason: said }]])
    assert.equal(ended, code)
  })

/** Each series of each counter and histogram. */
async function countersOf({ metricsUrl }: Started): Promise<ReadonlyMap<string, number>> {
  const { text } = await ask(metricsUrl)
  const lines = text.split('\n')
  const counting = lines.flatMap((line) => /^# TYPE (\S+) (?:counter|histogram)$/.exec(line)?.[1] ?? [])
  const series = lines
    .filter((line) => counting.some((name) => line.startsWith(name)))
    .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))] as const)
  return new Map(series)
}

/** As soon as it runs a program of its own: whoever stops it before also stops its parent, which waits for that. */
async function secondWorkerOf(pid: number | undefined): Promise<number> {
  for (;;) {
    const [, second] = childrenOf(pid)
    const environment = second === undefined ? '' : readFileSync(`/proc/${second}/environ`, 'utf8')
    if (second !== undefined && environment.includes('NODE_UNIQUE_ID=')) return second
    await setImmediate()
  }
}

/** A token request of which the server has the headers, and waits for the rest. */
async function beginRequest({ url, secretOf }: Started) {
  const body = 'grant_type=client_credentials'
  const sent = request(`${url}/oauth2/token`, {
    method: 'POST',
    agent: false,
    headers: {
      ...proxied,
      Authorization: basic(...secretOf('sync')),
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': body.length,
      Expect: '100-continue',
    },
  })
  const answered = once(sent, 'response')
  answered.catch(() => {})
  sent.flushHeaders()
  await once(sent, 'continue')
  return async (): Promise<number> => {
    sent.end(body)
    const [response] = await answered
    response.resume()
    return response.statusCode
  }
}

for (const [fate, signal] of [
  ['and goes on', 'SIGCONT'],
  ['and dies', 'SIGKILL'],
] as const)
  test(
    `trust R19: SIGTERM while one worker answers and the other still starts, ${fate}, cuts no request`,
    onLinux,
    async (t) => {
      const started = await beginTwo(t)
      const { child } = started.running
      const starting = await secondWorkerOf(child.pid)
      process.kill(starting, 'SIGSTOP')
      const finishRequest = await beginRequest(started)
      child.kill('SIGTERM')
      const died = once(child, 'exit').then(([, by]) => {
        process.kill(starting, 'SIGKILL')
        assert.fail(`ended by ${by}`)
      })
      await Promise.race([started.running.says(/"msg":"draining"/), died])
      process.kill(starting, signal)
      assert.equal(await finishRequest(), 200)
      const { code, stdout, stderr } = await started.running.ended
      assert.deepEqual([code, stderr], [0, ''])
      assert.doesNotMatch(stdout, isReady)
    },
  )

/** Opens a pipe for writing as soon as the server reads it, which then stands still until it is written. */
async function openRead(pipe: string, { child }: Running): Promise<number> {
  for (;;) {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENXIO')
    }
    assert.deepEqual([child.exitCode, child.signalCode], [null, null])
    await setImmediate()
  }
}

test(
  'operations: SIGHUP ends neither a server that still starts nor one of its workers',
  onLinux,
  async (t) => {
    const folder = temporaryFolder(t)
    const [port = 0] = await freePorts(1)
    const address = { base_url: 'https://localhost', listen_host: '127.0.0.1', listen_port: port }
    const settings = JSON.stringify({
      ...address,
      proxies: ['127.0.0.1'],
      data_folder: join(folder, 'data'),
    })
    const config = join(folder, 'sallyport.yaml')
    execFileSync('mkfifo', [config])
    const running = startFor(t, ['serve', '--config', config, '--workers', '2'])
    const { pid } = running.child
    for (const reader of [() => pid, () => childrenOf(pid)[0], () => childrenOf(pid)[1]]) {
      const pipe = await openRead(config, running)
      process.kill(reader() ?? assert.fail('who reads?'), 'SIGHUP')
      // The next reader gets a pipe of its own.
      rmSync(config)
      execFileSync('mkfifo', [config])
      writeFileSync(pipe, settings)
      closeSync(pipe)
    }
    await running.says(isReady)
    const { code, stderr } = await running.stop()
    assert.deepEqual([code, stderr], [0, ''])
  },
)

test('issue 4: what keeps the server from starting is said once, with the exit code of one process', async (t) => {
  const folder = temporaryFolder(t)
  const config = join(folder, 'sallyport.yaml')
  const settings = {
    base_url: 'https://localhost',
    tls_certificate_file: '/nowhere/a',
    tls_key_file: '/nowhere/b',
  }
  writeFileSync(config, JSON.stringify({ ...settings, data_folder: join(folder, 'data') }))
  const { code, stderr } = await run(['serve', '--config', config, '--workers', '2'])
  assert.equal(code, 3)
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
})
