/** Starts child processes on cores of their own, and ends them: the load on one core, whoever is measured on another. */
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { allowedCores } from './process-figures.ts'

/** `contestants` is for one of several processes: two cores, of which the load has one where there is no third. */
export type Place = 'contestant' | 'contestants' | 'load'

const cores = chooseCores()

/** Why nothing is pinned, or undefined when it is. */
export const notPinned = cores ? undefined : 'no taskset or fewer than two cores: processes are not pinned'

/** Whether what has several processes and the load are pinned to different cores. */
export const hasCoreForLoad = cores !== undefined && !cores.contestants.split(',').includes(cores.load)

function chooseCores(): Readonly<Record<Place, string>> | undefined {
  const [first, second, third = second] = allowedCores().map(String)
  if (first === undefined || second === undefined || third === undefined) return undefined
  const tried = spawnSync('taskset', ['-c', first, 'true'])
  return tried.status === 0
    ? { contestant: first, contestants: `${first},${third}`, load: second }
    : undefined
}

export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  /** The end of what it wrote to stderr, for the message when it fails. */
  complaint(): string
}

export interface ChildOptions {
  readonly place: Place
  readonly node: string
  readonly arguments: readonly string[]
  readonly stdout?: number | 'ignore'
  readonly ipc: boolean
  readonly environment?: Readonly<Record<string, string>>
}

const complaintCharacters = 4000

export function startChild(options: ChildOptions): Child {
  const { place, node, stdout = 'ignore' } = options
  const stdio: StdioOptions = ['ignore', stdout, 'pipe', ...(options.ipc ? (['ipc'] as const) : [])]
  const [command = node, ...before] = cores ? ['taskset', '-c', cores[place], node] : [node]
  const child = spawn(command, [...before, ...options.arguments], {
    stdio,
    env: { ...process.env, NODE_ENV: 'production', ...options.environment },
  })
  const end = () => child.kill()
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintCharacters)
  })
  // taskset replaces itself by the command: the pid is the one of Node.
  return { process: child, pid: child.pid ?? 0, complaint: () => complaint }
}

/** Rejects when the child ends; races against whatever is awaited of it. */
export async function untilExit(child: Child): Promise<never> {
  const [code, signal] = isOver(child) ? [child.process.exitCode] : await once(child.process, 'exit')
  throw new Error(`a process ended with ${code ?? signal}:\n${child.complaint()}`)
}

export async function stopChild(child: Child): Promise<void> {
  if (isOver(child)) return
  const over = once(child.process, 'exit')
  child.process.kill('SIGTERM')
  await over
}

function isOver(child: Child): boolean {
  return child.process.exitCode !== null || child.process.signalCode !== null
}
