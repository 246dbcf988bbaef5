/** The bench's handle on its load process: one job at a time, one process for the whole run so that it stays warm. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadAnswer, LoadJob, LoadResult } from './load-protocol.ts'
import { startChild, stopChild, untilExit } from './pinned.ts'

export interface LoadProcess {
  run(job: LoadJob): Promise<LoadResult>
  stop(): Promise<void>
}

export function startLoadProcess(): LoadProcess {
  const program = fileURLToPath(new URL('./load.ts', import.meta.url))
  const child = startChild({ place: 'load', node: process.execPath, arguments: [program], ipc: true })
  const ended = untilExit(child)
  // It ends on purpose when the bench does; only a job in flight makes that an error.
  ended.catch(() => {})
  return {
    async run(job) {
      const answered = once(child.process, 'message')
      child.process.send(job)
      const [answer]: LoadAnswer[] = await Promise.race([answered, ended])
      if (!answer) throw new Error('the load process said nothing')
      if ('failure' in answer) throw new Error(answer.failure)
      return answer.result
    },
    stop: () => stopChild(child),
  }
}
