/** Several processes on one port: started one after the other, replaced when they die, and ended together. */

import cluster, { type Worker } from 'node:cluster'
import { systemEffects } from '../effects.ts'
import type { DrainResult } from '../http/drain.ts'
import { createListener } from '../http/listener.ts'
import type { Log } from '../http/log.ts'
import { createMetricsHandler, type MetricsSnapshot } from '../http/metrics.ts'
import { createMetricsTogether, type MetricsTogether } from '../http/metrics-together.ts'
import type { Address } from '../main.ts'
import { openPort } from './open-port.ts'
import { followEndSignals } from './signals.ts'
import { cutExitCode, type FromWorker, type ToWorker } from './worker-message.ts'

export interface WorkersOptions {
  readonly count: number
  readonly log: Log
  /** Where the metrics of all of them are shown. */
  readonly metrics: Address | null
}

// A worker that dies at once would otherwise be started again without end, as fast as the machine can.
const firstRestartSeconds = 1
const longestRestartSeconds = 30
const answerMilliseconds = 1_000
// Whoever still waits for the database then has been handed nothing.
const startingMilliseconds = 5_000

/** Resolves with the port once all of them answer on it. The process ends with the workers. */
export async function runWorkers({ count, log, metrics }: WorkersOptions): Promise<number> {
  // Before there is a worker: the first one answers while the others are still starting.
  const ending = endOnSignal(log)
  const together = createMetricsTogether()
  cluster.on('exit', (worker, code: number | null, signal: string | null) => {
    together.end(worker.id)
    if (ending.isEnding) return
    // What keeps one from starting keeps the next in its place as well, until somebody has mended it.
    const before = ready.has(worker) ? undefined : replacements.get(worker)
    const seconds = before ? Math.min(before.waitedSeconds * 2, longestRestartSeconds) : firstRestartSeconds
    const emptySinceMilliseconds = before?.emptySinceMilliseconds ?? systemEffects.elapsed()
    log.error('worker ended, and another is started', {
      ...{ worker: worker.id, pid: worker.process.pid, seconds },
      reason: signal ?? `exit code ${code}`,
    })
    setTimeout(
      () => ending.isEnding || replace({ waitedSeconds: seconds, emptySinceMilliseconds }, log),
      seconds * 1000,
    )
  })
  process.on('SIGHUP', () => {
    for (const worker of workers()) if (ready.has(worker)) worker.process.kill('SIGHUP')
  })
  // The first one finds out what keeps the server from starting, and says so once.
  let port = await startWorker(ending)
  for (let started = 1; started < count; started += 1) port = await startWorker(ending)
  if (metrics !== null) await showMetrics(metrics, together, log)
  return port
}

// Whoever is still starting takes no signal as anything but its end.
const ready = new WeakSet<Worker>()

interface Replacement {
  /** Between the end of one worker and the start of this one in its place. */
  readonly waitedSeconds: number
  /** Of a clock for durations: since then nobody has answered in this place. */
  readonly emptySinceMilliseconds: number
}

const replacements = new WeakMap<Worker, Replacement>()

const workers = (): Worker[] =>
  Object.values(cluster.workers ?? {}).filter((worker): worker is Worker => worker?.isDead() === false)

function fork(): Worker {
  const worker = cluster.fork()
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'ready') ready.add(worker)
    if (message.type === 'attempts') for (const each of workers()) tell(each, { ...message, from: worker.id })
  })
  return worker
}

function replace(replacement: Replacement, log: Log): void {
  const worker = fork()
  replacements.set(worker, replacement)
  worker.on('message', ({ type }: FromWorker) => {
    if (type !== 'ready') return
    const seconds = Math.round((systemEffects.elapsed() - replacement.emptySinceMilliseconds) / 1000)
    log.info('worker is ready', { worker: worker.id, pid: worker.process.pid, seconds })
    log.flush()
  })
}

/** A worker that ends before it is ready has said why: its exit code is ours. Does not resolve when all is ending. */
function startWorker(ending: Ending): Promise<number> {
  const worker = fork()
  return new Promise((resolve) => {
    const onExit = (code: number | null) => ending.begin('a worker did not start', code ?? 1)
    worker.once('exit', onExit)
    worker.on('message', (message: FromWorker) => {
      if (message.type !== 'ready') return
      worker.off('exit', onExit)
      if (!ending.isEnding) resolve(message.port)
    })
  })
}

const tell = (worker: Worker, message: ToWorker): void => {
  if (worker.isConnected()) worker.send(message)
}

interface Ending {
  readonly isEnding: boolean
  /** Lets everybody finish; only the first call counts. */
  begin(reason: string, exitCode: number): void
}

/** The first signal lets everybody finish; the second does not wait. */
function endOnSignal(log: Log): Ending {
  let isEnding = false
  const ending: Ending = {
    get isEnding() {
      return isEnding
    },
    begin(reason, exitCode) {
      if (isEnding) return
      isEnding = true
      log.info('draining', { reason })
      void allEnded().then(async (end) => {
        log.info('stopped', { reason: end })
        await log.drained()
        process.exit(end === 'a worker failed' ? exitCode || 1 : exitCode)
      })
    },
  }
  followEndSignals({
    onFirst: (signal) => ending.begin(signal, 0),
    onSecond() {
      for (const worker of workers()) worker.process.kill('SIGKILL')
    },
  })
  return ending
}

type End = DrainResult | 'a worker failed'

const worstFirst: readonly End[] = ['a worker failed', 'cut', 'clean']

/** The worst of how they ended. */
async function allEnded(): Promise<End> {
  const ends = workers().map((worker) => {
    let wasKilled = false
    const ended = new Promise<End>((resolve) =>
      worker.once('exit', (code: number | null) =>
        resolve(ready.has(worker) && !wasKilled ? endOf(code) : 'clean'),
      ),
    )
    tell(worker, { type: 'close' })
    setTimeout(() => {
      if (ready.has(worker)) return
      wasKilled = true
      worker.process.kill('SIGKILL')
    }, startingMilliseconds)
    return ended
  })
  const found = await Promise.all(ends)
  return worstFirst.find((end) => found.includes(end)) ?? 'clean'
}

function endOf(exitCode: number | null): End {
  if (exitCode === 0) return 'clean'
  return exitCode === cutExitCode ? 'cut' : 'a worker failed'
}

let questions = 0

/** Undefined from a worker that does not answer in time: the others are still worth showing. */
function askMetrics(worker: Worker): Promise<MetricsSnapshot | undefined> {
  questions += 1
  const question = questions
  return new Promise((resolve) => {
    const settle = (snapshot: MetricsSnapshot | undefined) => {
      clearTimeout(limit)
      worker.off('message', onMessage).off('exit', onExit)
      resolve(snapshot)
    }
    const onExit = () => settle(undefined)
    const onMessage = (message: FromWorker) => {
      if (message.type === 'metrics' && message.question === question) settle(message.snapshot)
    }
    const limit = setTimeout(settle, answerMilliseconds, undefined)
    worker.on('message', onMessage).once('exit', onExit)
    tell(worker, { type: 'metrics', question })
  })
}

async function showMetrics(address: Address, together: MetricsTogether, log: Log): Promise<void> {
  const render = async () => {
    const present = new Set<number>()
    const noteOf = async (worker: Worker) => {
      const snapshot = await askMetrics(worker)
      // What it counted is added to what is past when it ends, and must not be added again.
      if (snapshot === undefined || worker.isDead()) return
      together.note(worker.id, snapshot)
      present.add(worker.id)
    }
    await Promise.all(workers().map(noteOf))
    return together.render(present)
  }
  const handler = createMetricsHandler({ render })
  const listener = createListener({ handler, tls: null, effects: systemEffects, log })
  await openPort(() => listener.listen(address), { port: 'metrics_port', host: 'metrics_host' })
}
