/** A working credential for one app of each demo tenant: the one known, the one just made, or a new one beside it. */

import { formatClientSecret } from '@sallyport/protocol'
import { isUsable } from '../apps/client.ts'
import type { Effects } from '../effects.ts'
import { sameVerifier } from '../keys/secret-hasher.ts'
import type { OpenStore } from '../open-store.ts'
import { findAppById, findClient } from '../store/apps.ts'
import { saveCredential } from '../store/credentials.ts'
import type { KnownSecret } from './demo-file.ts'

export interface DemoApp {
  readonly tenantId: string
  readonly environment: 'test' | 'live'
  readonly appId: string
}

export interface DemoCredential extends KnownSecret {
  /** True if an earlier secret was lost, so that this one was added beside it. */
  readonly isReplacement: boolean
}

/** The first of the candidates that the app can still use. */
export async function findKnownSecret(
  { db, hasher }: Pick<OpenStore, 'db' | 'hasher'>,
  now: number,
  { tenantId, clientId }: { readonly tenantId: string; readonly clientId: string },
  candidates: readonly KnownSecret[],
): Promise<KnownSecret | undefined> {
  const client = await findClient(db, tenantId, clientId)
  const usable = (client?.credentials ?? []).filter((credential) => isUsable(credential, now))
  return candidates.find(({ clientId: named, clientSecret }) => {
    const { verifier } = hasher.hash(tenantId, clientId, clientSecret)
    return named === clientId && usable.some((credential) => sameVerifier(credential.verifier, verifier))
  })
}

export async function ensureDemoCredential(
  { db, hasher }: OpenStore,
  { random, clock }: Pick<Effects, 'random' | 'clock'>,
  app: DemoApp,
  candidates: readonly KnownSecret[],
): Promise<DemoCredential> {
  const { tenantId, appId, environment } = app
  const record = await findAppById(db, tenantId, appId)
  if (record === null) throw new Error(`The demo app ${tenantId}/${appId} is missing.`)
  const { clientId } = record
  const known = await findKnownSecret({ db, hasher }, clock(), { tenantId, clientId }, candidates)
  if (known) return { ...known, isReplacement: false }

  const clientSecret = formatClientSecret(environment, random(32))
  const hashed = hasher.hash(tenantId, clientId, clientSecret)
  // An id of its own, so that it stands beside whatever was added before.
  const id = `demo-${Buffer.from(random(4)).toString('hex')}`
  await db.write((tx) => saveCredential(tx, tenantId, clientId, { id, ...hashed }))
  return { clientId, clientSecret, isReplacement: true }
}
