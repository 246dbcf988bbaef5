/** What the OAuth endpoints are handed by whoever starts the server. */

import type { NoteExposed } from '../apps/note-exposed.ts'
import type { UpgradeSecret } from '../apps/upgrade-secret.ts'
import type { RevocationLists } from '../certificates/revocation-files.ts'
import type { Effects } from '../effects.ts'
import type { IssuerKeys } from '../federation/issuer-keys.ts'
import type { SlowHashes } from '../keys/imported/turn.ts'
import type { RemoteKeySets } from '../keys/remote-key-sets.ts'
import type { Sealer } from '../keys/sealing.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { WrongAttempts } from '../limits/wrong-attempts.ts'
import type { Revoking } from '../revocation/recorded.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { NewExposure } from '../store/exposure.ts'
import type { NewRevocation } from '../store/revocations.ts'
import type { SingleUse } from '../store/single-use.ts'
import type { Directory } from '../tenants/directory.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { OpaqueTokens } from '../tokens/opaque-tokens.ts'
import type { ProvenRecently } from './client-auth/proven-recently.ts'
import type { TokenReuse } from './token-reuse.ts'

export interface OAuthDeps {
  readonly effects: Effects
  readonly directory: Directory
  /** All that a tenant is served under, whichever of it a request came by. */
  readonly issuersOf: (tenant: Pick<Tenant, 'id' | 'hosts'>) => readonly string[]
  readonly hasher: SecretHasher
  readonly sealer: Sealer
  readonly singleUse: SingleUse
  readonly keySets: RemoteKeySets
  readonly issuerKeys: IssuerKeys
  /** Null where the operator has named no lists. */
  readonly revocationLists: RevocationLists | null
  readonly attempts: WrongAttempts
  readonly provenRecently: ProvenRecently
  readonly slowHashes: SlowHashes
  /** Replaces a foreign hash by one of ours. Returns at once; the write follows. */
  readonly upgradeSecret: UpgradeSecret
  readonly reuse: TokenReuse
  readonly opaqueTokens: OpaqueTokens
  readonly revocations: Revocations
  /** When it resolves, the revocation is on the disk and this process knows. */
  readonly revoke: (tenantId: string, revocation: NewRevocation, by: Revoking) => Promise<void>
  /** When the change feed last heard from the database, in epoch seconds. */
  readonly lastContactAt: () => number
  /** Marks a credential whose secret was seen where it must not be, or puts it out of use. Returns at once; the write follows. */
  readonly exposeCredential: (exposure: NewExposure) => void
  /** The same of a secret or a registration token that nothing but itself is known of. */
  readonly noteExposed: NoteExposed
}
