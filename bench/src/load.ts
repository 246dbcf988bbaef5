/**
 * The load process: keep-alive HTTP/1.1 over raw sockets, one request in flight per connection.
 * It takes a job over IPC, runs it, answers with numbers, and fails the job at the first reply that is not 200.
 */
import { readFileSync } from 'node:fs'
import { connect, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isOk, replyLength } from './http-reply.ts'
import type { DrawnPlan, LoadAnswer, LoadJob, LoadResult, RequestPlan, SignedPlan } from './load-protocol.ts'
import { allowedCores, cpuSecondsOf } from './process-figures.ts'
import { proofSource } from './signed-request.ts'
import { createHistogram } from './statistics.ts'
import { stayAwake } from './wakeful.ts'

const receiveBytes = 64 * 1024

interface Window {
  counting: boolean
  over: boolean
  /** All of them, also those that do not count. */
  replies: number
  add(milliseconds: number): void
}

/** Every connection owns one request buffer: it is free again when its reply has come. */
function requestSource(plan: DrawnPlan, credentials: Buffer): () => Buffer {
  const count = credentials.length / plan.credentialBytes
  if (!Number.isInteger(count) || count === 0) throw new Error(`${plan.credentialsFile} is not whole`)
  const offset = Buffer.byteLength(plan.before)
  const draw = plan.inTurn ? turnsOf(plan.credentialsFile, count) : () => Math.floor(Math.random() * count)
  const request = Buffer.from(plan.before + ' '.repeat(plan.credentialBytes) + plan.after)
  return () => {
    const start = draw() * plan.credentialBytes
    credentials.copy(request, offset, start, start + plan.credentialBytes)
    return request
  }
}

const turns = new Map<string, number>()

/** Goes on where the connection beside it and the round before have stopped. */
function turnsOf(file: string, count: number): () => number {
  return () => {
    const turn = turns.get(file) ?? 0
    turns.set(file, (turn + 1) % count)
    return turn
  }
}

let jobs = 0
// More requests than any job can send.
const proofsPerJob = 1e9

function signedSource(plan: SignedPlan): () => Buffer {
  const nextProof = proofSource(plan, ++jobs * proofsPerJob)
  return () => Buffer.from(plan.before + nextProof() + plan.after, 'latin1')
}

function sourcesFor(plan: RequestPlan): () => () => Buffer {
  if ('key' in plan) {
    // One for all connections, because no two may bring the same proof.
    const source = signedSource(plan)
    return () => source
  }
  const credentials = credentialsOf(plan)
  return () => requestSource(plan, credentials)
}

/** Sends one request after another until the window is over; resolves when its last reply is complete. */
function runConnection(
  { port, hasTls, plan }: LoadJob,
  nextRequest: () => Buffer,
  window: Window,
): Promise<void> {
  const wrongWords = 'wrongWords' in plan ? plan.wrongWords : undefined
  return new Promise((resolve, reject) => {
    let sentAt = 0
    let partial: Buffer | undefined
    const send = () => {
      sentAt = performance.now()
      socket.write(nextRequest())
    }
    const receive = (chunk: Buffer, chunkLength: number) => {
      const buffer = partial ? Buffer.concat([partial, chunk.subarray(0, chunkLength)]) : chunk
      const length = partial ? buffer.length : chunkLength
      const end = replyLength(buffer, length)
      if (end < 0) {
        partial = partial ? buffer : Buffer.from(chunk.subarray(0, chunkLength))
        return
      }
      partial = undefined
      if (end !== length || !isOk(buffer)) {
        throw new Error(`a reply that is not a 200:\n${buffer.toString('utf8', 0, length)}`)
      }
      if (wrongWords !== undefined && buffer.subarray(0, length).includes(wrongWords)) {
        throw new Error(`a reply that says ${wrongWords}:\n${buffer.toString('utf8', 0, length)}`)
      }
      window.replies += 1
      if (window.counting) window.add(performance.now() - sentAt)
      if (window.over) finish()
      else send()
    }
    const finish = (error?: Error) => {
      socket.removeAllListeners('close').destroy()
      if (error) reject(error)
      else resolve()
    }
    const target: TcpNetConnectOpts = {
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(receiveBytes),
        callback(length, buffer) {
          try {
            receive(Buffer.isBuffer(buffer) ? buffer : Buffer.from(buffer), length)
          } catch (error) {
            finish(error instanceof Error ? error : new Error(String(error)))
          }
          return true
        },
      },
    }
    // Nobody's certificate is on trial here.
    const socket = hasTls ? connectTls({ ...target, rejectUnauthorized: false }) : connect(target)
    socket.once(hasTls ? 'secureConnect' : 'connect', send)
    socket.once('error', finish)
    socket.once('close', () => finish(new Error('the server closed a connection under load')))
  })
}

async function runLoad(job: LoadJob): Promise<LoadResult> {
  const newSource = sourcesFor(job.plan)
  const histogram = createHistogram()
  const window: Window = { counting: false, over: false, replies: 0, add: histogram.add }
  const own = watchOwnWork(job.pid, window)
  const connections = Array.from({ length: job.connections }, () => runConnection(job, newSource(), window))
  const allDone = Promise.all(connections).finally(() => {
    window.over = true
    own.stop()
  })
  await Promise.race([allDone, pause(job.warmupSeconds)])
  const before = figures(job.pid, own)
  window.counting = true
  await Promise.race([allDone, pause(job.seconds)])
  const after = figures(job.pid, own)
  window.counting = false
  window.over = true
  own.stop()
  await Promise.race([allDone, failAfter(job.stallSeconds)])
  const seconds = after.at - before.at
  return {
    perSecond: histogram.count() / seconds,
    perCpuSecond: histogram.count() / (after.contestantCpu - before.contestantCpu),
    p50: histogram.percentile(0.5),
    p99: histogram.percentile(0.99),
    max: histogram.max(),
    replies: histogram.count(),
    loadBusy: (after.ownBusy - before.ownBusy) / seconds,
  }
}

interface OwnWork {
  busySeconds(): number
  stop(): void
}

/** Awake all the time where the load has a core of its own; where it shares one, that would be taken from the contestant. */
function watchOwnWork(pid: number, window: Window): OwnWork {
  const others = allowedCores(pid)
  if (others.length > 0 && !allowedCores().some((core) => others.includes(core))) {
    const { busyMilliseconds, stop } = stayAwake({ replies: () => window.replies })
    return { busySeconds: () => busyMilliseconds() / 1000, stop }
  }
  return { busySeconds: ownCpuSeconds, stop: () => {} }
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const figures = (pid: number, own: OwnWork) => ({
  at: performance.now() / 1000,
  contestantCpu: cpuSecondsOf(pid),
  ownBusy: own.busySeconds(),
})

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}

function failAfter(seconds: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(
      () => reject(new Error(`a reply is missing ${seconds} s after the end`)),
      seconds * 1000,
    ).unref()
  })
}

let lastRead: { readonly file: string; readonly credentials: Buffer } | undefined

/** A million apps are a file of 150 MB: read once, not once a round. */
function credentialsOf(plan: DrawnPlan): Buffer {
  if (lastRead?.file !== plan.credentialsFile) {
    lastRead = { file: plan.credentialsFile, credentials: readFileSync(plan.credentialsFile) }
  }
  return lastRead.credentials
}

process.on('message', (job: LoadJob) => {
  runLoad(job).then(
    (result) => tell({ result }),
    (error: unknown) => tell({ failure: error instanceof Error ? error.message : String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))

function tell(answer: LoadAnswer): void {
  process.send?.(answer)
}
