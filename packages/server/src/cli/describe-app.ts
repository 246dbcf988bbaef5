/** One app as `sallyport apps show` has it: as the management API shows it, with its credentials. */

import { systemEffects } from '../effects.ts'
import { showApp } from '../management/nouns/apps.ts'
import { listCredentials } from '../store/credentials.ts'
import type { Database } from '../store/database.ts'
import { credentialJson } from './credentials.ts'
import { findApp } from './find-app.ts'

/** Throws `ConfigRefused` for what does not exist. */
export async function describeApp(db: Database, tenantId: string, name: string): Promise<object> {
  const { app } = await findApp(db, tenantId, name)
  const now = systemEffects.clock()
  const credentials = await listCredentials(db, tenantId, app.clientId)
  return {
    ...{ tenant: tenantId, ...showApp(app) },
    credentials: credentials.map((credential) => credentialJson(credential, now)),
  }
}
