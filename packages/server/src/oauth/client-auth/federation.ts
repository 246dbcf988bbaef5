/**
 * Workload identity federation: a token that an outside issuer has given to the client's machine is its assertion
 * (RFC 7521 §4.2). Such a token may come again while it lives, because a workload reads it from a file for an hour.
 */

import { oncePer } from '@sallyport/protocol'
import { type Client, type Credential, credentialsOf, isUsable, ownerOf } from '../../apps/client.ts'
import { issuerMismatches } from '../../federation/match.ts'
import type { FederationRule } from '../../federation/rule.ts'
import { verifyFederated } from '../../federation/verify.ts'
import type { OAuthDeps } from '../deps.ts'
import type { AssertionMethod, ClaimedAssertion } from './assertion.ts'
import type { ProvenClient } from './proven-client.ts'

// More rules than this are not tried for one token.
const rulesTried = 20

export const federation: AssertionMethod = async (client, assertion, deps) => {
  const proven = client === null ? 'client unknown' : await findRule(client, assertion, deps)
  if (typeof proven === 'string') assertion.trials.imitateMissing()
  return proven
}

async function findRule(
  client: Client,
  { jws, request, trials }: ClaimedAssertion,
  { issuerKeys }: OAuthDeps,
): Promise<ProvenClient | string> {
  const { issuer, tenant, now } = request
  const context = { issuer, now, trials, owner: ownerOf(tenant.id, client) }
  const reasons: string[] = []
  for (const { credential, rule } of rulesOf(client, now)) {
    // Nothing more is looked at where the issuer is another: time would tell how many rules there are (trust row 12).
    const foreign = issuerMismatches(rule, jws.payload)
    const judged = foreign.length > 0 ? foreign : verifyFederated(jws, rule, context, issuerKeys)
    const missing = judged instanceof Promise ? await judged : judged
    if (missing.length === 0) return { client, credential, method: 'federation' }
    reasons.push(`rule ${credential.id}: ${missing.join(', ')}`)
  }
  return reasons.length === 0 ? 'client trusts no outside issuer' : reasons.join('; ')
}

/** Those that may be used come first; of an expired one the standing check will say so. */
const rulesOf = (client: Client, now: number) =>
  credentialsOf(client, 'federation')
    .toSorted((one, other) => Number(isUsable(other, now)) - Number(isUsable(one, now)))
    .slice(0, rulesTried)
    .map((credential) => ({ credential, rule: ruleOf(credential) }))

/** The store holds only what the schema has let in, so nothing is checked again. */
const ruleOf = oncePer(
  ({ verifier }: Credential) => JSON.parse(Buffer.from(verifier).toString()) as FederationRule,
)
