/** OpenID Connect Core §9, RFC 7523 §2.2: an assertion signed with a key whose public half the client registered. */

import { type Client, type Credential, credentialsOf, isUsable } from '../../apps/client.ts'
import {
  decoyKey,
  importVerificationKey,
  type VerificationKey,
  verifySignature,
} from '../../keys/verify-signature.ts'
import type { TokenDeps } from '../deps.ts'
import { type AssertionMethod, acceptOnce, allowsAlgorithm } from './assertion.ts'

/** A key that may have signed, with the credential it stands for. */
interface Candidate {
  readonly credential: Credential
  readonly key: VerificationKey
}

// More signatures than this are not tried for one assertion.
const candidatesTried = 10

export const privateKeyJwt: AssertionMethod = async (client, assertion, deps) => {
  const { jws, request } = assertion
  if (!allowsAlgorithm(assertion, client)) return 'assertion algorithm not allowed'
  const candidates = client === null ? [] : await candidatesOf(client, kidOf(jws.header), deps)
  // As much work for a client that does not exist.
  if (candidates.length === 0) verifySignature(decoyKey, 'ES256', jws.signingInput, jws.signature)
  const signer = candidates
    .toSorted(
      (one, other) =>
        Number(isUsable(other.credential, request.now)) - Number(isUsable(one.credential, request.now)),
    )
    .slice(0, candidatesTried)
    .find(({ key }) => verifySignature(key, jws.algorithm, jws.signingInput, jws.signature))
  if (client === null) return 'client unknown'
  if (signer === undefined) return 'no key of the client has signed the assertion'
  return acceptOnce(assertion, client, signer.credential, 'private_key_jwt', deps)
}

/** RFC 7515 §4.1.4: a hint for the look-up and nothing more. */
const kidOf = ({ kid }: Readonly<Record<string, unknown>>): string | null =>
  typeof kid === 'string' ? kid : null

async function candidatesOf(
  client: Client,
  kid: string | null,
  { keySets }: TokenDeps,
): Promise<Candidate[]> {
  const registered = credentialsOf(client, 'jwk').flatMap((credential) => {
    const key = registeredKey(credential)
    return key === null ? [] : [{ credential, key }]
  })
  const published = await Promise.all(
    credentialsOf(client, 'jwks_uri').map(async (credential) => {
      const keys = await keySets.keysFor(textOf(credential), kid)
      return keys.map((key) => ({ credential, key }))
    }),
  )
  const all = [...registered, ...published.flat()]
  // A key without a name may be the one that is meant.
  return kid === null ? all : all.filter(({ key }) => key.kid === null || key.kid === kid)
}

const textOf = ({ verifier }: Credential): string => Buffer.from(verifier).toString()

// Reading a key costs as much as using it.
const registeredKeys = new WeakMap<Credential, { readonly key: VerificationKey | null }>()

function registeredKey(credential: Credential): VerificationKey | null {
  const known = registeredKeys.get(credential)
  if (known) return known.key
  const key = importVerificationKey(JSON.parse(textOf(credential)))
  registeredKeys.set(credential, { key })
  return key
}
