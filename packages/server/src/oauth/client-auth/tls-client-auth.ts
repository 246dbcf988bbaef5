/** RFC 8705 §2.1: a certificate that leads to an authority of the tenant, and bears the name the client registered. */

import { type Client, type Credential, credentialsOf, isUsable } from '../../apps/client.ts'
import { type Authorities, compileAuthorities, leadsTo } from '../../certificates/chain.ts'
import { compileName, matchesName, type NameKind, type NameRule } from '../../certificates/names.ts'
import { revocationProblem } from '../../certificates/revocation-files.ts'
import type { Security } from '../../tenants/security.ts'
import type { CertificateMethod } from './certificate-method.ts'

export const tlsClientAuth: CertificateMethod = (client, { leaf, chain }, request, { revocationLists }) => {
  const matching = namesOf(client).filter(({ rule }) => matchesName(rule, leaf))
  const named = matching.find(({ credential }) => isUsable(credential, request.now)) ?? matching[0]
  if (named === undefined) return 'certificate bears another name'
  const { security } = request.tenant
  if (security.certificateAuthorities.length === 0) return 'tenant has no certificate authorities'
  const { path, reason } = leadsTo(authoritiesOf(security), leaf, chain, request.now)
  if (path === null) return reason
  const problem = revocationLists === null ? null : revocationProblem(revocationLists, path, request.now)
  return problem ?? { client, credential: named.credential, method: 'tls_client_auth' }
}

interface Named {
  readonly credential: Credential
  readonly rule: NameRule
}

const compiledNames = new WeakMap<Client, readonly Named[]>()

function namesOf(client: Client): readonly Named[] {
  const known = compiledNames.get(client)
  if (known) return known
  const names = credentialsOf(client, 'certificate').flatMap((credential): Named[] => {
    const [[kind, text] = ['', '']] = Object.entries<string>(
      JSON.parse(Buffer.from(credential.verifier).toString()),
    )
    // A thumbprint is for the other method.
    return kind === 'sha256' ? [] : [{ credential, rule: compileName(kind as NameKind, text) }]
  })
  compiledNames.set(client, names)
  return names
}

const compiledAuthorities = new WeakMap<Security, Authorities>()

function authoritiesOf(security: Security): Authorities {
  const known =
    compiledAuthorities.get(security) ?? compileAuthorities(security.certificateAuthorities.join('\n'))
  compiledAuthorities.set(security, known)
  return known
}
