/**
 * The addresses of a host name, from /etc/hosts and DNS. The system's own look-up cannot be stopped and holds a thread
 * until its resolver gives up; Node has two for it, and one registered name with a silent name server would take them.
 */

import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

/** Rejects with Node's error of a look-up, at the latest when the signal says so. */
export type Lookup = (hostname: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>

export interface LookupOptions {
  /** Left out, the system's. */
  readonly servers?: readonly string[]
  readonly hostsFile?: string
}

const queryMilliseconds = 1_000
const tries = 2

export function createLookup({ servers, hostsFile = '/etc/hosts' }: LookupOptions = {}): Lookup {
  return async (hostname, signal) => {
    const listed = addressesIn(await readFile(hostsFile, 'utf8').catch(() => ''), hostname)
    if (listed.length > 0) return listed
    signal.throwIfAborted()
    // One for each look-up, because only all of a resolver's queries can be cancelled.
    const resolver = new Resolver({ timeout: queryMilliseconds, tries })
    if (servers) resolver.setServers(servers)
    const cancel = () => resolver.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return await ask(resolver, hostname)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }
}

/** Both families: a host has what either of them knows. */
async function ask(resolver: Resolver, hostname: string): Promise<LookupAddress[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason
  return [...withFamily(four, 4), ...withFamily(six, 6)]
}

const withFamily = (answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] =>
  answer.status === 'rejected' ? [] : answer.value.map((address) => ({ address, family }))

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '')

function addressesIn(hosts: string, hostname: string): LookupAddress[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const family = isIP(address)
    return family !== 0 && names.some((name) => plainName(name) === plainName(hostname))
      ? [{ address, family }]
      : []
  })
}
