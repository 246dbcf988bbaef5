/** Makes the two certificates of a development machine, X.509 as `@peculiar/x509` writes it. */
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { Effects } from '../effects.ts'

/** PEM texts. */
export interface IssuedCertificate {
  readonly certPem: string
  readonly keyPem: string
}

type MakingEffects = Pick<Effects, 'clock' | 'random'>

const daySeconds = 86_400
const caDays = 3650
/** Clients refuse server certificates that live longer than 398 days. */
export const serverDays = 397
/** Clocks of containers and browsers differ a little. */
const backdateSeconds = 3600

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Loaded here and nowhere else: most starts find their certificate ready. */
async function loadLibrary() {
  // The library's dependency container does not load without it.
  await import('reflect-metadata')
  return await import('@peculiar/x509')
}

type X509 = Awaited<ReturnType<typeof loadLibrary>>

const generateKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

const exportKey = async (x509: X509, key: webcrypto.CryptoKey) =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

const importKey = (x509: X509, pem: string) =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), algorithm, false, ['sign'])

/** RFC 5280 §4.1.2.2: positive, at most 20 bytes. */
function serialNumber(random: Effects['random']): string {
  const bytes = Buffer.from(random(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

function validity(now: number, days: number) {
  const notBefore = new Date((now - backdateSeconds) * 1000)
  return { notBefore, notAfter: new Date(notBefore.getTime() + days * daySeconds * 1000) }
}

/** An authority that may vouch for localhost and what lies below it, and for no other name or address. */
export async function makeLocalCa({ clock, random }: MakingEffects): Promise<IssuedCertificate> {
  const x509 = await loadLibrary()
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    // The suffix tells two of them apart in a trust store.
    name: `CN=Sallyport local CA ${Buffer.from(random(4)).toString('hex')}, O=Sallyport development`,
    ...validity(clock(), caDays),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      // Name constraints say nothing of names of other kinds, such as those in e-mail; its purpose does.
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.Extension(nameConstraintsId, true, localhostOnly),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: await exportKey(x509, keys.privateKey) }
}

export async function makeServerCertificate(
  ca: IssuedCertificate,
  hosts: readonly string[],
  { clock, random }: MakingEffects,
): Promise<IssuedCertificate> {
  const x509 = await loadLibrary()
  const keys = await generateKeys()
  const issuer = new x509.X509Certificate(ca.certPem)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: 'CN=localhost, O=Sallyport development',
    issuer: issuer.subjectName,
    ...validity(clock(), serverDays),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await importKey(x509, ca.keyPem),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((host) => ({ type: isIP(host) ? 'ip' : 'dns', value: host })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: await exportKey(x509, keys.privateKey) }
}

const nameConstraintsId = '2.5.29.30'

/** One DER element; all of ours are shorter than 128 bytes. */
const der = (tag: number, ...content: readonly (Uint8Array | readonly number[])[]): Buffer => {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)))
  return Buffer.concat([Buffer.from([tag, body.length]), body])
}

const sequence = 0x30
const subtree = (nameTag: number, ...name: readonly (Uint8Array | readonly number[])[]) =>
  der(sequence, der(nameTag, ...name))
const [permittedSubtrees, dnsName, ipAddress] = [0xa0, 0x82, 0x87]

/** RFC 5280 §4.2.1.10: localhost with all below it, and the loopback networks as address and mask. */
const localhostOnly = der(
  sequence,
  der(
    permittedSubtrees,
    subtree(dnsName, Buffer.from('localhost')),
    subtree(ipAddress, [127, 0, 0, 0], [255, 0, 0, 0]),
    subtree(ipAddress, [...new Array<number>(15).fill(0), 1], new Array<number>(16).fill(255)),
  ),
)
