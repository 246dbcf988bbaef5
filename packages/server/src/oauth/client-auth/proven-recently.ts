/**
 * Who has proven themselves a moment ago with the very same words, and so need not have them read and compared again. It
 * holds until the change feed brings any news at all: then everybody proves themselves once more.
 */

import { hash } from 'node:crypto'
import { Doorkeeper, RecentTexts } from '@sallyport/protocol'
import { isUsable } from '../../apps/client.ts'
import type { Directory } from '../../tenants/directory.ts'
import type { AuthenticatedClient } from './proven-client.ts'

// Each of them keeps its client in memory.
const entries = 5_000

/** What stood in a request as a proof, and where. */
export interface PresentedWords {
  readonly tenantId: string
  /** The name of the presentation: the same words mean something else elsewhere. */
  readonly place: string
  readonly text: string
}

export interface ProvenRecently {
  /** Undefined when the proof has to be made. */
  find(words: PresentedWords, now: number): AuthenticatedClient | undefined
  keep(words: PresentedWords, client: AuthenticatedClient): void
}

// No secret stays in memory, and of one that has 256 random bits its digest tells nothing.
const digestOf = ({ tenantId, place, text }: PresentedWords): string =>
  hash('sha256', `${tenantId} ${place} ${text}`, 'binary')

export function createProvenRecently(directory: Pick<Directory, 'version'>): ProvenRecently {
  const kept = new RecentTexts<AuthenticatedClient>(entries)
  const door = new Doorkeeper(entries)
  let version = directory.version
  const forgetAtNews = () => {
    if (version === directory.version) return
    version = directory.version
    kept.clear()
  }
  return {
    find(words, now) {
      forgetAtNews()
      const known = kept.get(digestOf(words))
      return known?.credential && isUsable(known.credential, now) ? known : undefined
    },
    keep(words, client) {
      forgetAtNews()
      // Only secrets that we have generated: a guess at another one must be counted before it is evaluated.
      if (client.credential?.isIndexed !== true) return
      const digest = digestOf(words)
      // Each client that stands here holds memory, and who comes once a day would take the place of who comes each second.
      if (!kept.isFull || door.hasSeen(digest)) kept.set(digest, client)
    },
  }
}
