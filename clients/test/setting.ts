// One running server for the whole suite, the orders that its tests place, and what they find.
import assert from 'node:assert/strict'
import { after, before, type TestContext } from 'node:test'
import { apps, type Client, keyAlgorithmOf, type Order, type Proof, type Token } from '../src/client.ts'
import { createFindings } from '../src/findings.ts'
import { audience, type Instance, startInstance } from '../src/instance.ts'

export const findings = createFindings()

let instance: Instance | undefined
before(async () => {
  instance = await startInstance()
})
after(() => instance?.stop())

export const running = (): Instance => instance ?? assert.fail('the server has not started')

export interface Variation {
  readonly tenant?: string
  readonly isWrong?: boolean
  readonly dpop?: boolean
}

export function orderFor(
  proof: Proof,
  { tenant = 'acme', isWrong = false, dpop = false }: Variation = {},
): Order {
  const { material, ca, folder, issuer, secret } = running()
  const algorithm = keyAlgorithmOf(proof)
  const app = apps[proof]
  const base = { proof, issuer: issuer(tenant), clientId: app, dpop, ca, folder }
  if (algorithm) return { ...base, key: (isWrong ? material.strangersKeys : material.keys)[algorithm] }
  if (app === 'authority' || app === 'self-signed') {
    return { ...base, certificate: material.certificates[isWrong ? 'stranger' : app] }
  }
  // Well formed, but of another tenant.
  return { ...base, secret: isWrong ? secret('signs-rs256', 'basic') : secret(tenant, app) }
}

interface Parts {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

export function partsOf(token: string): Parts {
  const [header, claims] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

/** RFC 9068 §2.2, as the order wanted it. */
export function assertTokenFor({ issuer, clientId, dpop }: Order, { accessToken, tokenType }: Token): void {
  const { header, claims } = partsOf(accessToken)
  const { exp, iat, jti, cnf, ...named } = claims
  assert.equal(header.typ, 'at+jwt')
  const { org_id: _, cred: __, ...standard } = named
  assert.deepEqual(standard, {
    ...{ iss: issuer, sub: clientId, aud: audience },
    client_id: clientId,
    scope: 'read',
  })
  assert.ok(typeof exp === 'number' && typeof iat === 'number' && exp > iat && typeof jti === 'string')
  if (dpop) assert.match((cnf as { jkt?: string } | undefined)?.jkt ?? '', /^[\w-]{43}$/)
  // The standard leaves the case to the client (RFC 6749 §5.1).
  if (tokenType !== undefined) assert.equal(tokenType.toLowerCase(), dpop ? 'dpop' : 'bearer')
}

interface Reported {
  readonly error?: unknown
  readonly code?: unknown
  readonly status?: unknown
  readonly data?: { readonly payload?: { readonly error?: unknown } }
}

/** What an integrator sees of an error, in one line. */
function reportOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { error: member, code, status, data } = error as Reported
  const facts = [member, code, status, data?.payload?.error].filter((fact) => fact !== undefined)
  return [`${error.name === 'ReportedError' ? '' : `${error.name}: `}${error.message}`, ...facts].join(' ')
}

export const refused = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => assert.fail('it was not refused'),
    (error: unknown) => reportOf(error),
  )

/** False, with the test skipped and the reason named, where a client of the machine cannot be run. */
export function canRun(t: TestContext, client: Pick<Client, 'name' | 'whyAbsent'>): boolean {
  const reason = client.whyAbsent?.()
  if (reason === undefined) return true
  findings.noteAbsent(client.name)
  t.skip(`not run: ${reason}`)
  return false
}
