/** What the two methods of RFC 8705 §2 share: the certificate of the connection is the proof. */

import type { Client } from '../../apps/client.ts'
import type { PresentedCertificate } from '../../certificates/presented.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import type { ProvenClient } from './proven-client.ts'

/** Who the certificate proves the client to be, or the reason for the log why it does not. */
export type CertificateMethod = (
  client: Client,
  presented: PresentedCertificate,
  request: OAuthRequest,
  deps: OAuthDeps,
) => ProvenClient | string
