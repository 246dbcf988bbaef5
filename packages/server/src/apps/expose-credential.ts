/** What is done about a secret that others have seen: marked or put out of use, counted, and told of in the log. */

import type { Database } from '../store/database.ts'
import { type Exposed, exposeCredential, type NewExposure } from '../store/exposure.ts'

export interface ExposureDeps {
  readonly db: Database
  /** Called for what is new. */
  readonly onExposed: (exposure: NewExposure) => void
}

export type ReportExposure = (exposure: NewExposure) => Promise<Exposed>

export const createExposure =
  ({ db, onExposed }: ExposureDeps): ReportExposure =>
  async (exposure) => {
    const exposed = await db.write((tx) => exposeCredential(tx, exposure))
    if (exposed !== null) onExposed(exposure)
    return exposed
  }
