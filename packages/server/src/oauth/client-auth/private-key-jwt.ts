/** OpenID Connect Core §9, RFC 7523 §2.2: an assertion signed with a key whose public half the client registered. */

import { oncePer, RecentMap } from '@sallyport/protocol'
import { type Client, type Credential, credentialsOf, isUsable, ownerOf } from '../../apps/client.ts'
import type { RemoteKeySets, WantedKey } from '../../keys/remote-key-sets.ts'
import { meantBy, type SignatureTrials } from '../../keys/signature-trials.ts'
import { importVerificationKey, type VerificationKey } from '../../keys/verify-signature.ts'
import type { OAuthDeps } from '../deps.ts'
import {
  type AssertionMethod,
  acceptOnce,
  algorithmRefused,
  type ClaimedAssertion,
  clientAllows,
  tenantAllows,
} from './assertion.ts'

/** A key that may have signed, with the credential it stands for. */
interface Candidate {
  readonly credential: Credential
  readonly key: VerificationKey
}

export const privateKeyJwt: AssertionMethod = async (client, assertion, deps) => {
  const { jws, request, trials } = assertion
  if (!tenantAllows(assertion)) return algorithmRefused
  const kid = kidOf(jws.header)
  const held = client === null ? [] : keysOf(client, assertion, deps)
  const known = held instanceof Promise ? await held : held
  const candidates = candidatesAmong(known, kid, request.now)
  const mayBeNew = client !== null && kid === null
  const signer =
    signerAmong(candidates, trials) ??
    (mayBeNew ? signerAmong(await newKeysOf(client, assertion, known, deps), trials) : undefined)
  trials.imitateMissing()
  if (client === null) return 'client unknown'
  if (!clientAllows(assertion, client)) return algorithmRefused
  if (signer === undefined) return whyNobody(known, candidates)
  return acceptOnce(assertion, client, signer.credential, 'private_key_jwt', deps)
}

function candidatesAmong(known: readonly Candidate[], kid: string | null, now: number): readonly Candidate[] {
  const usable = ({ credential }: Candidate) => Number(isUsable(credential, now))
  return meantBy(kid, known, ({ key }) => key.kid).toSorted((one, other) => usable(other) - usable(one))
}

function signerAmong(candidates: readonly Candidate[], trials: SignatureTrials): Candidate | undefined {
  const key = trials.findSigner(candidates.map((candidate) => candidate.key))
  return key && candidates.find((candidate) => candidate.key === key)
}

/** For the log: three mistakes of three people. */
function whyNobody(known: readonly Candidate[], candidates: readonly Candidate[]): string {
  if (known.length === 0) return 'no key of the client could be had'
  return candidates.length === 0
    ? 'no key of the client has the kid of the assertion'
    : 'no key of the client has signed the assertion'
}

/** RFC 7515 §4.1.4: a hint for the look-up and nothing more. */
const kidOf = ({ kid }: Readonly<Record<string, unknown>>): string | null =>
  typeof kid === 'string' ? kid : null

/** All keys of the client; a published set is fetched again for a `kid` that it does not have. */
function keysOf(
  client: Client,
  { jws, request }: ClaimedAssertion,
  { keySets }: OAuthDeps,
): readonly Candidate[] | Promise<readonly Candidate[]> {
  const registered = registeredKeysOf(client)
  if (!publishes(client)) return registered
  const wanted = { kid: kidOf(jws.header), owner: ownerOf(request.tenant.id, client) }
  return publishedKeys(client, wanted, keySets).then((published) => [...registered, ...published])
}

const publishes = (client: Client): boolean => client.credentials.some(({ format }) => format === 'jwks_uri')

const registeredKeysOf = oncePer((client: Client): readonly Candidate[] =>
  credentialsOf(client, 'jwk').flatMap((credential) => {
    const key = registeredKey(credential)
    return key === null ? [] : [{ credential, key }]
  }),
)

/** For an assertion without `kid` that none of the known keys has signed: its key may be a new one. */
const newKeysOf = (
  client: Client,
  { request }: ClaimedAssertion,
  known: readonly Candidate[],
  { keySets }: OAuthDeps,
) => {
  const noneOf = known.map(({ key }) => key)
  return publishedKeys(client, { kid: null, owner: ownerOf(request.tenant.id, client), noneOf }, keySets)
}

async function publishedKeys(
  client: Client,
  wanted: WantedKey,
  keySets: RemoteKeySets,
): Promise<Candidate[]> {
  const published = await Promise.all(
    credentialsOf(client, 'jwks_uri').map(async (credential) => {
      const keys = await keySets.keysFor(textOf(credential), wanted)
      return keys.map((key) => ({ credential, key }))
    }),
  )
  return published.flat()
}

const textOf = ({ verifier }: Credential): string => Buffer.from(verifier).toString()

interface ImportedKey {
  readonly key: VerificationKey | null
}

// Reading a key costs as much as using it, and a client that is not in memory is read at each request.
const importedKeys = new RecentMap<ImportedKey>(2_000)

const registeredKey = oncePer((credential: Credential): VerificationKey | null => {
  const text = textOf(credential)
  return (importedKeys.get(text) ?? importKey(text)).key
})

function importKey(text: string): ImportedKey {
  const imported = { key: importVerificationKey(JSON.parse(text)) }
  importedKeys.set(text, imported)
  return imported
}
