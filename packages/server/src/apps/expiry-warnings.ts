/** Tells the owners of credentials of their end, once for each end, some days before. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../store/database.ts'
import { type ExpiringCredential, listExpiring } from '../store/expiring-credentials.ts'
import { saveExpiryNotice } from '../store/notices.ts'
import type { TenantSettings } from '../tenants/settings.ts'

const daySeconds = 86_400
const defaultDays = 14
const mostDays = 90
const recentSeconds = 30 * daySeconds
// About two milliseconds of SQLite, which holds up the process.
const rowsAtOnce = 200

export interface ExpiryWarning extends ExpiringCredential {
  readonly isUsedRecently: boolean
}

export interface ExpiryWarningDeps {
  readonly db: Database
  readonly onWarning: (warning: ExpiryWarning) => void
}

/** Answers how many were told of. */
export async function warnOfExpiry({ db, onWarning }: ExpiryWarningDeps, now: number): Promise<number> {
  const until = now + mostDays * daySeconds
  let told = 0
  for (let after: ExpiringCredential | null = null; ; ) {
    const page: ExpiringCredential[] = await listExpiring(db, { now, until, after, limit: rowsAtOnce })
    const due = page.filter((credential) => isDue(credential, now)).map((one) => withUse(one, now))
    const warned = due.length === 0 ? [] : await saveNotices(db, due)
    for (const warning of warned) onWarning(warning)
    told += warned.length
    after = page.at(-1) ?? null
    if (page.length < rowsAtOnce) return told
    await nextTurn()
  }
}

function isDue({ settings, expiresAt }: ExpiringCredential, now: number): boolean {
  const { secret_expiry_warning_days: days = defaultDays } = JSON.parse(settings) as TenantSettings
  return expiresAt <= now + days * daySeconds
}

const withUse = (credential: ExpiringCredential, now: number): ExpiryWarning => ({
  ...credential,
  isUsedRecently: credential.lastUsedAt !== null && credential.lastUsedAt > now - recentSeconds,
})

/** Those that no other node was faster with. */
const saveNotices = (db: Database, due: readonly ExpiryWarning[]): Promise<ExpiryWarning[]> =>
  db.write(async (tx) => {
    const saved: ExpiryWarning[] = []
    for (const warning of due) {
      const { tenantId, clientId, credentialId, expiresAt, lastUsedAt, isUsedRecently } = warning
      const detail = { expires_at: expiresAt, last_used_at: lastUsedAt, used_recently: isUsedRecently }
      if (await saveExpiryNotice(tx, { tenantId, clientId, credentialId, detail }, expiresAt))
        saved.push(warning)
    }
    return saved
  })
