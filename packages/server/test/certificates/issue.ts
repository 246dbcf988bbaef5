// Authorities, client certificates and revocation lists for tests, made by @peculiar/x509 and not by the code under test.
import 'reflect-metadata'
import { KeyObject, sign, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { type Certificate, parseClientCertificate } from '../../src/certificates/client-certificate.ts'

// The library does not load before reflect-metadata, so tests take it from here.
export { x509 }

/** The middle of every validity here. */
export const now = 1_800_000_000
export const daySeconds = 86_400

type Keys = webcrypto.CryptoKeyPair
type Algorithm = webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | { name: 'Ed25519' }

const p256 = { name: 'ECDSA', namedCurve: 'P-256' }

export interface Issued {
  readonly der: Buffer
  readonly pem: string
  readonly keys: Keys
  readonly name: x509.JsonName
  readonly serial: string
  /** As the code under test reads it. */
  readonly certificate: Certificate
  readonly signing: Algorithm & { hash?: string }
}

export interface IssueOptions {
  readonly name?: string | x509.JsonName
  readonly keys?: Keys
  readonly algorithm?: Algorithm
  readonly hash?: string
  readonly notBeforeAt?: number
  readonly notAfterAt?: number
  readonly serial?: string
  readonly ca?: boolean
  readonly pathLength?: number
  readonly keyUsage?: number | null
  readonly purposes?: readonly string[] | null
  readonly names?: x509.JsonGeneralNames
  readonly extensions?: readonly x509.Extension[]
}

export const generateKeys = async (algorithm: Algorithm = p256): Promise<Keys> =>
  (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as Keys

let serials = 0x1000
const nextSerial = () => (serials++).toString(16)
const at = (seconds: number) => new Date(seconds * 1000)

export const clientAuth = x509.ExtendedKeyUsage.clientAuth
export const serverAuth = x509.ExtendedKeyUsage.serverAuth
export const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags

/** Signed by `issuer`, or by itself. */
export async function issue(issuer: Issued | null, options: IssueOptions = {}): Promise<Issued> {
  const { ca = false } = options
  const keys = options.keys ?? (await generateKeys(options.algorithm))
  const name = toJson(options.name ?? (ca ? 'CN=Authority,O=Example' : 'CN=app,O=Example'))
  const serial = options.serial ?? nextSerial()
  const own = { ...(options.algorithm ?? p256), hash: options.hash ?? 'SHA-256' }
  const signing = issuer?.signing ?? own
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: name,
    issuer: issuer?.name ?? name,
    notBefore: at(options.notBeforeAt ?? now - daySeconds),
    notAfter: at(options.notAfterAt ?? now + daySeconds),
    signingAlgorithm: { ...signing, hash: options.hash ?? signing.hash ?? 'SHA-256' } as never,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    extensions: extensionsOf(ca, options),
  })
  const der = Buffer.from(made.rawData)
  const certificate = parseClientCertificate(der)
  if (!certificate) throw new Error('the certificate made for a test cannot be read')
  return { der, pem: `${made.toString('pem')}\n`, keys, name, serial, certificate, signing: own }
}

function extensionsOf(ca: boolean, options: IssueOptions): x509.Extension[] {
  const usage = options.keyUsage ?? (ca ? keyCertSign | cRLSign : digitalSignature)
  const purposes = options.purposes === undefined ? (ca ? null : [clientAuth]) : options.purposes
  return [
    ...(ca ? [new x509.BasicConstraintsExtension(true, options.pathLength, true)] : []),
    ...(options.keyUsage === null ? [] : [new x509.KeyUsagesExtension(usage, true)]),
    ...(purposes ? [new x509.ExtendedKeyUsageExtension([...purposes])] : []),
    ...(options.names ? [new x509.SubjectAlternativeNameExtension(options.names)] : []),
    ...(options.extensions ?? []),
  ]
}

const toJson = (name: string | x509.JsonName) =>
  typeof name === 'string' ? new x509.Name(name).toJSON() : name

export interface ListOptions {
  readonly serials?: readonly string[]
  readonly thisUpdateAt?: number
  readonly nextUpdateAt?: number | null
  readonly extensions?: readonly x509.Extension[]
  readonly entryExtensions?: readonly x509.Extension[]
}

export async function revoke(
  issuer: Issued,
  options: ListOptions = {},
): Promise<{ der: Buffer; pem: string }> {
  const { serials: revoked = [], nextUpdateAt = now + daySeconds, extensions = [], entryExtensions } = options
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.name,
    thisUpdate: at(options.thisUpdateAt ?? now - daySeconds),
    ...(nextUpdateAt === null ? {} : { nextUpdate: at(nextUpdateAt) }),
    entries: revoked.map((serialNumber) => ({
      serialNumber,
      revocationDate: at(now - 100),
      reason: x509.X509CrlReason.keyCompromise,
      ...(entryExtensions ? { extensions: [...entryExtensions] } : {}),
    })),
    extensions: [...extensions],
    signingAlgorithm: issuer.signing as never,
    signingKey: issuer.keys.privateKey,
  })
  // RFC 7468 §6: the label that everyone else writes; the library has another.
  const pem = x509.PemConverter.encode(list.rawData, 'X509 CRL')
  return { der: Buffer.from(list.rawData), pem: `${pem}\n` }
}

/** One DER element around some content. */
export function der(tag: number, ...parts: readonly (Uint8Array | string | readonly number[])[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  )
  const length = Buffer.from(content.length.toString(16).padStart(8, '0'), 'hex')
  const bytes = content.length < 128 ? 0 : 4 - length.findIndex((byte) => byte !== 0)
  const head = bytes === 0 ? [content.length] : [0x80 | bytes, ...length.subarray(4 - bytes)]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

/** A list with so many entries that the library would take long to make it. */
export async function revokeMany(issuer: Issued, revoked: readonly Buffer[]): Promise<Buffer> {
  const algorithm = der(0x30, der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]))
  const time = (seconds: number) =>
    der(
      0x17,
      `${at(seconds)
        .toISOString()
        .replaceAll(/^20|[-T:]|\.000/g, '')}`,
    )
  const day = time(now)
  const entries = revoked.map((serial) => der(0x30, der(0x02, serial), day))
  const name = new Uint8Array(new x509.Name(issuer.name).toArrayBuffer())
  const contents = der(
    0x30,
    algorithm,
    name,
    time(now - daySeconds),
    time(now + daySeconds),
    der(0x30, ...entries),
  )
  const key = KeyObject.from(issuer.keys.privateKey)
  return der(0x30, contents, algorithm, der(0x03, [0], sign('sha256', contents, key)))
}
