/** OpenID Connect Core §9: an assertion with a MAC under the client's secret, which is why that is kept sealed. */

import { createSecretKey, type KeyObject } from 'node:crypto'
import { type Client, type Credential, isUsable } from '../../apps/client.ts'
import { openSecret } from '../../keys/sealed-secret.ts'
import { verifyMac } from '../../keys/verify-signature.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import {
  type AssertionMethod,
  acceptOnce,
  algorithmRefused,
  clientAllows,
  tenantAllows,
} from './assertion.ts'
import { attemptBy, isGuessable } from './attempts.ts'

export const clientSecretJwt: AssertionMethod = (client, assertion, deps) => {
  const { jws, request } = assertion
  if (!tenantAllows(assertion)) return algorithmRefused
  const isExceeded = deps.attempts.waitSeconds(attemptBy(request, assertion.clientId)) > 0
  const secrets = client?.secrets.filter(({ sealedSecret }) => sealedSecret !== null) ?? []
  const signers = secrets.filter((credential) => {
    const { key, couldBeGuessed } = macKey(request, client as Client, credential, deps)
    const isRight = verifyMac(key, jws.algorithm, jws.signingInput, jws.signature)
    // Past the limit a right guess is told nothing else than a wrong one.
    return isRight && !(couldBeGuessed && isExceeded)
  })
  if (secrets.length === 0) verifyMac(decoy, jws.algorithm, jws.signingInput, jws.signature)
  if (client === null) return 'client unknown'
  if (!clientAllows(assertion, client)) return algorithmRefused
  const signer = signers.find((credential) => isUsable(credential, request.now)) ?? signers[0]
  if (signer === undefined) return whyNobody(client, secrets)
  return acceptOnce(assertion, client, signer, 'client_secret_jwt', deps)
}

/** For the log: three mistakes of three people. */
function whyNobody(client: Client, sealed: readonly Credential[]): string {
  if (client.secrets.length === 0) return 'client has no secret'
  return sealed.length === 0
    ? 'no secret of the client is kept for assertions'
    : 'no secret of the client has signed the assertion'
}

const decoy = createSecretKey(Buffer.alloc(64))
interface MacKey {
  readonly key: KeyObject
  readonly couldBeGuessed: boolean
}

const keys = new WeakMap<Credential, MacKey>()

function macKey(
  { tenant }: OAuthRequest,
  { clientId }: Client,
  credential: Credential,
  { sealer }: OAuthDeps,
): MacKey {
  const known = keys.get(credential)
  if (known) return known
  const place = { tenantId: tenant.id, clientId, credentialId: credential.id }
  const secret = openSecret(sealer, place, credential.sealedSecret as Uint8Array)
  const made = { key: createSecretKey(Buffer.from(secret)), couldBeGuessed: isGuessable(secret) }
  keys.set(credential, made)
  return made
}
