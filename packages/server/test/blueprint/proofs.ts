/** Keys and certificates for tests of blueprints, and the sample with an app that proves with them. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changed, refusals, sample } from './sample.ts'

export const keyPair = (curve: 'P-256' | 'P-384' = 'P-256') => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  return {
    jwk: publicKey.export({ format: 'jwk' }),
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    privateJwk: privateKey.export({ format: 'jwk' }),
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
}

export const rsaJwk = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })

/** A self-signed certificate of an authority, with its key behind it. */
export function selfSigned(commonName: string): { readonly certificate: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-certificate-'))
  try {
    const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9']
    const authority = [
      ...['-addext', 'basicConstraints=critical,CA:TRUE'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ]
    const files = ['-keyout', 'key.pem', '-out', 'certificate.pem', '-subj', `/CN=${commonName}`]
    execFileSync('openssl', ['req', ...options, ...authority, ...files], { cwd: folder, stdio: 'ignore' })
    return {
      certificate: readFileSync(join(folder, 'certificate.pem'), 'utf8'),
      key: readFileSync(join(folder, 'key.pem'), 'utf8'),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `client_authentication` on line 25, the credentials from line 27 on, one a line. */
export function withProofs(
  methods: readonly string[] | null,
  credentials: readonly object[],
  text: string = sample,
): string {
  const lines = credentials.map(
    (credential, index) => `- ${JSON.stringify({ id: `c${index}`, ...credential })}`,
  )
  const app = [
    methods === null ? '# the default' : `client_authentication: [${methods.join(', ')}]`,
    'credentials:',
    ...lines.map((line) => `  ${line}`),
  ]
  const before = '            credentials:\n              - id: main\n                secret: generated\n'
  return changed(before, `${app.map((line) => `            ${line}`).join('\n')}\n`, text)
}

/** The lines that refuse it, without the path that all of them share and without columns. */
export const proofRefusals = (text: string): string[] => refusals(text).map(shortened)

export function shortened(line: string): string {
  const [, place, rest] = /^(?:folder\/)?a\.yaml:(\d+):\d+ tenants\[0\]\.?(.*)$/s.exec(line) ?? []
  assert.ok(place !== undefined && rest !== undefined, line)
  return `${place} ${rest.replace('organizations[0].apps[0].', '')}`
}
