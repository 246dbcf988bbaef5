/** What a hash that somebody else has made is to us: how it is compared, and what it costs. */

/** Why a hash is refused before it is stored; nothing of the hash itself. */
export interface HashFault {
  readonly found: string
  readonly expected: string
}

interface Opened {
  /** False where a longer or other secret would match as well, which is then no proof of the whole. */
  coversWhole(secret: string): boolean
}

export type PlainAlgorithm = 'sha256' | 'sha512'

/** Of the secret; whoever compares it with several hashes computes each digest once. */
export type DigestOf = (algorithm: PlainAlgorithm) => Buffer

/** As cheap as a HMAC: compared at once. */
export interface FastHash extends Opened {
  readonly isSlow: false
  matches(secret: string, digestOf?: DigestOf): boolean
}

/** Made to be slow: compared off the event loop, few at once. */
export interface SlowHash extends Opened {
  readonly isSlow: true
  matches(secret: string): Promise<boolean>
}

export type ForeignHash = FastHash | SlowHash

/** One way in which others keep secrets. */
export interface HashFormat {
  /** How people would write it, for messages. */
  readonly example: string
  /** Whether the text is of this format, however wrong the rest of it may be. */
  recognizes(text: string): boolean
  /** What is stored, or why not. */
  read(text: string): Buffer | HashFault
  /** Of what `read` has let through. */
  open(verifier: Uint8Array): ForeignHash
}

export const always = () => true

/** To some hashes a NUL is an end, or padding: they would match a secret with one for another without. */
export const hasNul = (secret: string): boolean => secret.includes('\0')

export const isFault = (read: object): read is HashFault => 'found' in read && 'expected' in read
