/** Certificates as blueprints give them: a client's own, and those of a tenant's authorities. */

import { AuthoritiesRefused, compileAuthorities } from '../certificates/chain.ts'
import { parseClientCertificate } from '../certificates/client-certificate.ts'
import { type NameKind, nameKinds, nameProblem } from '../certificates/names.ts'
import { decodePem } from '../certificates/pem.ts'
import { isStrong } from '../certificates/signature.ts'
import { type Fault, hasPrivateKey, type Path, type Report } from './problem.ts'
import type { CertificateSource } from './schema.ts'

const privateKey = 'a private key, which may be nowhere but with its owner'

/** RFC 8705 §2.1.2: exactly one of the names, or what tells one certificate from all others. */
export function checkCertificate(source: CertificateSource, path: Path, report: Report): void {
  const [member, ...others] = Object.keys(source) as (keyof CertificateSource)[]
  if (member === undefined || others.length > 0) {
    const found = member === undefined ? 'nothing' : 'several members'
    report(path, found, `exactly one of ${nameKinds.join(', ')}, sha256, from_file`)
    return
  }
  const text = source[member]
  const kind = nameKinds.find((name) => name === member)
  const problem = kind === undefined || text === undefined ? undefined : nameProblem(kind, text)
  if (kind !== undefined && problem !== undefined) {
    const { found, expected } = nameFault(kind, problem)
    report([...path, member], found, expected)
  }
}

/** From a message that follows the name of the setting. */
function nameFault(kind: NameKind, problem: string): Fault {
  const [, wanted] = /^must be (an? .+|one .+)$/.exec(problem) ?? []
  if (wanted !== undefined) return { found: 'text (not shown)', expected: wanted }
  return { found: `a ${kind} that ${problem}`, expected: 'one such as CN=app,O=Example (RFC 4514)' }
}

/** RFC 8705 §2.2: of the one certificate in a PEM file, what it is recognized by. */
export function readCertificateText(text: string): { readonly sha256: string } | Fault {
  const expected = 'one certificate in PEM, without its key'
  if (hasPrivateKey(text)) return { found: privateKey, expected }
  const [der, ...others] = decodePem(text, 'CERTIFICATE') ?? []
  if (!der || others.length > 0) return { found: 'a file without one CERTIFICATE block in PEM', expected }
  const certificate = parseClientCertificate(der)
  if (!certificate) return { found: 'a broken certificate', expected }
  if (!certificate.publicKey || !isStrong(certificate.publicKey))
    return {
      found: 'a certificate with a weak or unknown key',
      expected: 'a key on P-256 or P-384, Ed25519 or RSA 2048',
    }
  return { sha256: certificate.thumbprintSha256 }
}

/** The certificates of a PEM text, each in PEM, spelled in the one way in which they are kept. */
export function readAuthorityText(text: string): readonly string[] | Fault {
  const expected = 'certificates of authorities in PEM'
  if (hasPrivateKey(text)) return { found: privateKey, expected }
  const blocks = decodePem(text, 'CERTIFICATE')
  return blocks ? blocks.map(formatCertificate) : { found: 'no certificate in PEM', expected }
}

const formatCertificate = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`

/** Whether all of them together are authorities that client certificates can lead to. */
export function authoritiesFault(certificates: readonly string[]): Fault | null {
  try {
    compileAuthorities(certificates.join(''))
    return null
  } catch (error) {
    if (!(error instanceof AuthoritiesRefused)) throw error
    return {
      found: `a list that ${error.message}`,
      expected: 'certificates of authorities, the one at the top included',
    }
  }
}
