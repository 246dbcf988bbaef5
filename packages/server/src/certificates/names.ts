/** RFC 8705 §2.1.2: the one name by which a client is known in its certificate, and whether a certificate bears it. */
import { canonicalDns, canonicalEmail, canonicalIp } from './alternative-names.ts'
import type { Certificate } from './client-certificate.ts'
import { canonicalName, NameRefused, parseName } from './distinguished-name.ts'

/** A registered name, ready to be compared. */
export interface NameRule {
  readonly kind: NameKind
  readonly canonical: string
}

interface Kind {
  /** Throws `NameRefused`. */
  readonly canonicalize: (text: string) => string
  readonly isIn: (certificate: Certificate, canonical: string) => boolean
}

const refuse = (what: string): never => {
  throw new NameRefused(what)
}

/** RFC 8705 §2.1.2 without its `tls_client_auth_`. */
const kinds = {
  subject_dn: {
    canonicalize: (text) => canonicalName(parseName(text)),
    isIn: ({ subject }, canonical) => subject === canonical,
  },
  san_dns: {
    canonicalize: canonicalizeDns,
    isIn: ({ names }, canonical) => names.dns.includes(canonical),
  },
  san_uri: {
    canonicalize: canonicalizeUri,
    // X.509-SVID §2: a SPIFFE ID stands alone among the URIs, or the certificate has two owners.
    isIn: ({ names }, canonical) =>
      names.uri.includes(canonical) && !(canonical.startsWith('spiffe:') && names.uri.length > 1),
  },
  san_ip: {
    canonicalize: (text) => canonicalIp(text) ?? refuse('must be an IPv4 or IPv6 address'),
    isIn: ({ names }, canonical) => names.ip.includes(canonical),
  },
  san_email: {
    canonicalize: canonicalizeEmail,
    isIn: ({ names }, canonical) => names.email.includes(canonical),
  },
} as const satisfies Record<string, Kind>

export type NameKind = keyof typeof kinds
export const nameKinds = Object.keys(kinds) as readonly NameKind[]

/** Reads a registered name. Throws `NameRefused`, whose message follows the name of the setting in a sentence. */
export const compileName = (kind: NameKind, text: string): NameRule => ({
  kind,
  canonical: kinds[kind].canonicalize(text),
})

/** For the check at registration: what is wrong with the text, as the end of a sentence, or undefined. */
export function nameProblem(kind: NameKind, text: string): string | undefined {
  try {
    compileName(kind, text)
    return undefined
  } catch (error) {
    if (error instanceof NameRefused) return error.message
    throw error
  }
}

/**
 * Whether the certificate bears the name. Says nothing about who has issued it: anyone can write any name into a
 * certificate, so `leadsTo` must have said yes before.
 */
export const matchesName = ({ kind, canonical }: NameRule, certificate: Certificate): boolean =>
  kinds[kind].isIn(certificate, canonical)

const label = '[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?'
const host = new RegExp(`^${label}(?:\\.${label})*$`)
const isHost = (text: string): boolean => text.length <= 253 && host.test(text)

function canonicalizeDns(text: string): string {
  if (text.includes('*')) refuse('must be one name: a wildcard would let every certificate below it in')
  return isHost(text)
    ? canonicalDns(text)
    : refuse('must be a host name, in ASCII and without a dot at its end')
}

/** RFC 8705 §2.1.2 compares URIs as they are written, so nothing is normalized. */
function canonicalizeUri(text: string): string {
  const isUri = text.length <= 2048 && /^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/.test(text)
  return isUri ? text : refuse('must be an absolute URI, in ASCII and without spaces')
}

function canonicalizeEmail(text: string): string {
  const at = text.lastIndexOf('@')
  const isMailbox = text.length <= 254 && /^[!#-'*+\-/-9=?A-Z^-~.]+$/.test(text.slice(0, Math.max(0, at)))
  return isMailbox && isHost(text.slice(at + 1))
    ? canonicalEmail(text)
    : refuse('must be an address like app@example.com')
}
