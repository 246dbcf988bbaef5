/**
 * The thread that bcrypt runs in, one for the process: it starts with the first comparison, ends when it has had
 * nothing to do for a while, and keeps no process alive.
 */

import { Worker } from 'node:worker_threads'

const idleMilliseconds = 30_000

type Answer = (isMatch: boolean | Error) => void

interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, Answer>
  lastId: number
  idle: NodeJS.Timeout | undefined
}

let current: Thread | undefined

function start(): Thread {
  const worker = new Worker(new URL('./bcrypt-worker.ts', import.meta.url))
  const thread: Thread = { worker, waiting: new Map(), lastId: 0, idle: undefined }
  worker.on('message', ([id, isMatch]: [number, boolean]) => settle(thread, id, isMatch))
  const end = (cause: unknown) => {
    if (current === thread) current = undefined
    for (const id of thread.waiting.keys()) settle(thread, id, new Error('The thread has ended.', { cause }))
  }
  worker.on('error', end)
  worker.on('exit', end)
  worker.unref()
  return thread
}

function settle(thread: Thread, id: number, result: boolean | Error): void {
  thread.waiting.get(id)?.(result)
  thread.waiting.delete(id)
  if (thread.waiting.size > 0) return
  // Whoever waits holds the process, and nobody else.
  thread.worker.unref()
  thread.idle = setTimeout(() => {
    if (current === thread) current = undefined
    void thread.worker.terminate()
  }, idleMilliseconds).unref()
}

export function compareInThread(secret: string, hash: string): Promise<boolean> {
  current ??= start()
  const thread = current
  clearTimeout(thread.idle)
  thread.worker.ref()
  const id = ++thread.lastId
  return new Promise((resolve, reject) => {
    thread.waiting.set(id, (result) => (result instanceof Error ? reject(result) : resolve(result)))
    thread.worker.postMessage([id, secret, hash])
  })
}
