/** Several processes on one port: started one after the other, replaced when they die, and ended together. */

import cluster, { type Worker } from 'node:cluster'
import { systemEffects } from '../effects.ts'
import { createListener } from '../http/listener.ts'
import type { Log } from '../http/log.ts'
import { createMetricsHandler, type MetricsSnapshot, renderTogether } from '../http/metrics.ts'
import type { Address } from '../main.ts'
import { openPort } from './open-port.ts'
import type { FromWorker, ToWorker } from './worker-message.ts'

export interface WorkersOptions {
  readonly count: number
  readonly log: Log
  /** Where the metrics of all of them are shown. */
  readonly metrics: Address | null
}

// A worker that dies at once would otherwise be started again without end, as fast as the machine can.
const restartMilliseconds = 1_000
const answerMilliseconds = 1_000

/** Resolves with the port once all of them answer on it. The process ends with the workers. */
export async function runWorkers({ count, log, metrics }: WorkersOptions): Promise<number> {
  // The first one finds out what keeps the server from starting, and says so once.
  let port = await startWorker()
  for (let started = 1; started < count; started += 1) port = await startWorker()
  if (metrics !== null) await showMetrics(metrics, log)
  const ending = endOnSignal(log)
  cluster.on('exit', (worker) => {
    if (ending.isEnding) return
    log.error('worker ended, and another is started', { worker: worker.id })
    setTimeout(() => ending.isEnding || fork(), restartMilliseconds)
  })
  process.on('SIGHUP', () => {
    for (const worker of workers()) worker.process.kill('SIGHUP')
  })
  return port
}

// Whoever is still starting hears nothing, and has nothing to finish.
const ready = new WeakSet<Worker>()

const workers = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)

function fork(): Worker {
  const worker = cluster.fork()
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'ready') ready.add(worker)
    if (message.type === 'attempts') for (const each of workers()) tell(each, { ...message, from: worker.id })
  })
  return worker
}

/** A worker that ends before it is ready has said why: its exit code is ours. */
function startWorker(): Promise<number> {
  const worker = fork()
  return new Promise((resolve) => {
    const onExit = (code: number | null) => {
      for (const other of workers()) other.process.kill('SIGKILL')
      process.exit(code ?? 1)
    }
    worker.once('exit', onExit)
    worker.on('message', (message: FromWorker) => {
      if (message.type !== 'ready') return
      worker.off('exit', onExit)
      resolve(message.port)
    })
  })
}

const tell = (worker: Worker, message: ToWorker): void => {
  if (worker.isConnected()) worker.send(message)
}

/** The first signal lets everybody finish; the second does not wait. */
function endOnSignal(log: Log): { readonly isEnding: boolean } {
  const state = { isEnding: false }
  const end = (signal: NodeJS.Signals) => {
    if (state.isEnding) {
      for (const worker of workers()) worker.process.kill('SIGKILL')
      process.exit(1)
    }
    state.isEnding = true
    log.info('draining', { reason: signal })
    void allEnded().then(async (wasClean) => {
      log.info('stopped', { reason: wasClean ? 'clean' : 'a worker failed' })
      await log.drained()
      process.exit(wasClean ? 0 : 1)
    })
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  return state
}

async function allEnded(): Promise<boolean> {
  const ends = workers().map((worker) => {
    const wasReady = ready.has(worker)
    const ended = new Promise<boolean>((resolve) =>
      worker.once('exit', (code) => resolve(code === 0 || !wasReady)),
    )
    if (wasReady) tell(worker, { type: 'close' })
    else worker.process.kill('SIGKILL')
    return ended
  })
  return (await Promise.all(ends)).every((isClean) => isClean)
}

let questions = 0

/** Undefined from a worker that does not answer in time: the others are still worth showing. */
function askMetrics(worker: Worker): Promise<MetricsSnapshot | undefined> {
  questions += 1
  const question = questions
  return new Promise((resolve) => {
    const settle = (snapshot: MetricsSnapshot | undefined) => {
      clearTimeout(limit)
      worker.off('message', onMessage)
      resolve(snapshot)
    }
    const onMessage = (message: FromWorker) => {
      if (message.type === 'metrics' && message.question === question) settle(message.snapshot)
    }
    const limit = setTimeout(settle, answerMilliseconds, undefined)
    worker.on('message', onMessage)
    tell(worker, { type: 'metrics', question })
  })
}

async function showMetrics(address: Address, log: Log): Promise<void> {
  const render = async () => {
    const snapshots = await Promise.all(workers().map(askMetrics))
    return renderTogether(snapshots.filter((snapshot) => snapshot !== undefined))
  }
  const handler = createMetricsHandler({ render })
  const listener = createListener({ handler, tls: null, effects: systemEffects, log })
  await openPort(() => listener.listen(address), { port: 'metrics_port', host: 'metrics_host' })
}
