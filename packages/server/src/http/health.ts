/** `/livez`: the process runs. `/readyz`: send it traffic, or not, and why not. */
import { jsonReply, type Reply } from '@sallyport/protocol'
import type { HttpRequest } from './exchange.ts'

/** True when all is well; a throw, or no answer in time, counts as failing. */
export type ReadinessCheck = () => boolean | Promise<boolean>

export interface Health {
  /** `/readyz` answers 503 from now on, so that balancers look elsewhere before we close. */
  startDraining(): void
  /** The names of what fails, in the order of the table. */
  findFailing(): Promise<readonly string[]>
}

const defaultCheckMilliseconds = 1000

export function createHealth(
  checks: Readonly<Record<string, ReadinessCheck>>,
  { checkMilliseconds = defaultCheckMilliseconds }: { readonly checkMilliseconds?: number } = {},
): Health {
  let isDraining = false
  // Probes that come together share one look, so that they cannot be used to load the database.
  let current: Promise<readonly string[]> | undefined
  return {
    startDraining() {
      isDraining = true
    },
    async findFailing() {
      current ??= runChecks(checks, checkMilliseconds).finally(() => {
        current = undefined
      })
      const failing = await current
      return isDraining ? ['draining', ...failing] : failing
    },
  }
}

async function runChecks(
  checks: Readonly<Record<string, ReadinessCheck>>,
  milliseconds: number,
): Promise<readonly string[]> {
  const names = Object.keys(checks)
  const passing = await Promise.all(Object.values(checks).map((check) => passes(check, milliseconds)))
  return names.filter((_name, index) => !passing[index])
}

async function passes(check: ReadinessCheck, milliseconds: number): Promise<boolean> {
  const { promise: tooLate, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, milliseconds, false)
  try {
    return await Promise.race([check(), tooLate])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}

/** Undefined when the request asks for neither. */
export function answerHealth(health: Health, request: HttpRequest): Promise<Reply> | Reply | undefined {
  if (request.path !== '/livez' && request.path !== '/readyz') return undefined
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return jsonReply(405, { status: 'method not allowed' }, { Allow: 'GET, HEAD' })
  }
  return request.path === '/livez' ? alive : answerReadiness(health)
}

const alive = jsonReply(200, { status: 'ok' })

async function answerReadiness(health: Health): Promise<Reply> {
  const failing = await health.findFailing()
  return failing.length === 0
    ? alive
    : jsonReply(503, { status: 'unavailable', failing }, { 'Retry-After': '1' })
}
