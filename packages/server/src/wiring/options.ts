/** What the server is made of and from. */

import type { ForwardedCertificatePreset } from '@sallyport/protocol'
import type { AuditSink } from '../audit/follow.ts'
import type { RevocationLists } from '../certificates/revocation-files.ts'
import type { Effects } from '../effects.ts'
import type { AddressList } from '../http/address-list.ts'
import type { ListenerLimits } from '../http/listener.ts'
import type { Log } from '../http/log.ts'
import type { TlsPair } from '../http/tls.ts'
import type { AttemptRelay } from '../limits/attempt-relay.ts'
import type { OpenStore } from '../open-store.ts'
import type { FetchJson } from '../outbound/fetch-json.ts'
import type { IsAllowedAddress } from '../outbound/literal-host.ts'
import type { Lookup } from '../outbound/lookup.ts'

export interface ServerOptions {
  readonly store: OpenStore
  readonly effects: Effects
  readonly log: Log
  readonly baseUrl: URL
  readonly clientCacheEntries: number
  readonly proxies?: AddressList
  readonly tls: TlsPair | null
  /** What a listed proxy says of its clients' certificates, and in which words. */
  readonly certificateHeader?: ForwardedCertificatePreset | null
  /** Where connections are asked for certificates; null without such a place. */
  readonly mtlsUrl?: URL | null
  readonly revocationLists?: RevocationLists | null
  readonly limits?: Partial<ListenerLimits>
  /** For balancers to notice that it ends; half a second at the least. */
  readonly drainNoticeSeconds?: number
  /** How the keys of clients and outside issuers are fetched; left out, from the public Internet alone. */
  readonly fetchJson?: FetchJson
  /** From which addresses it fetches although they are not public; left out, from none. */
  readonly isAllowedAddress?: IsAllowedAddress
  /** How the hosts of URLs are found that somebody registers; left out, as the system says. */
  readonly lookup?: Lookup
  /** To the other processes of this machine; left out where there are none. */
  readonly attemptRelay?: AttemptRelay
  /** Which places outside get the audit chain. */
  readonly auditSinks?: readonly AuditSink[]
  /** Where the keys are that reports of leaked secrets are signed with. */
  readonly secretScanningKeysUrl?: string
}
