/** RFC 8705 §2.1: a certificate that leads to an authority of the tenant, and bears the name the client registered. */

import { oncePer } from '@sallyport/protocol'
import { type Client, type Credential, credentialsOf, isUsable } from '../../apps/client.ts'
import { type ChainVerdict, compileAuthorities, leadsTo } from '../../certificates/chain.ts'
import { compileName, matchesName, type NameKind, type NameRule } from '../../certificates/names.ts'
import type { PresentedCertificate } from '../../certificates/presented.ts'
import { revocationProblem } from '../../certificates/revocation-files.ts'
import { svidProblem } from '../../certificates/svid.ts'
import type { Security } from '../../tenants/security.ts'
import type { OAuthRequest } from '../request.ts'
import type { CertificateMethod } from './certificate-method.ts'

export const tlsClientAuth: CertificateMethod = (client, presented, request, { revocationLists }) => {
  // Before the name, and for whoever is named: how long a refusal takes is nobody's business.
  const verdict = verdictOf(presented, request)
  const matching = namesOf(client).filter(({ rule }) => matchesName(rule, presented.leaf))
  const named = matching.find(({ credential }) => isUsable(credential, request.now)) ?? matching[0]
  if (named === undefined) return 'certificate bears another name'
  if (verdict === null) return 'tenant has no certificate authorities'
  const { path, reason } = verdict
  if (path === null) return reason
  const problem =
    svidProblem(named.rule, presented.leaf) ??
    (revocationLists === null ? null : revocationProblem(revocationLists, path, request.now))
  return problem ?? { client, credential: named.credential, method: 'tls_client_auth' }
}

/** Whether it leads to an authority of the tenant; null where there is none. */
export function verdictOf(
  { leaf, chain }: PresentedCertificate,
  { tenant, now }: OAuthRequest,
): ChainVerdict | null {
  const { security } = tenant
  return security.certificateAuthorities.length === 0
    ? null
    : leadsTo(authoritiesOf(security), leaf, chain, now)
}

interface Named {
  readonly credential: Credential
  readonly rule: NameRule
}

const namesOf = oncePer((client: Client) =>
  credentialsOf(client, 'certificate').flatMap((credential): Named[] => {
    const [[kind, text] = ['', '']] = Object.entries<string>(
      JSON.parse(Buffer.from(credential.verifier).toString()),
    )
    // A thumbprint is for the other method.
    return kind === 'sha256' ? [] : [{ credential, rule: compileName(kind as NameKind, text) }]
  }),
)

const authoritiesOf = oncePer((security: Security) =>
  compileAuthorities(security.certificateAuthorities.join('\n')),
)
