/** One call of the management API, as it came in: plain records, nothing believed yet. */

import type { PresentedCertificate } from '../certificates/presented.ts'

export const managementPath = '/manage/v1'

export interface ManagementRequest {
  /** What finds the log line and the audit record. */
  readonly id: string
  readonly method: string
  /** Below the API's root, raw: `/tenants/acme`. */
  readonly path: string
  /** Raw, without `?`. */
  readonly query: string
  readonly authorization: readonly string[]
  /** Every `DPoP` header. */
  readonly dpop: readonly string[]
  clientCertificate(): PresentedCertificate | 'malformed' | null
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly idempotencyKey: string | undefined
  readonly body: Buffer
}
