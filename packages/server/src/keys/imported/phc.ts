/** The text form that most hashes share: `$name$v=1$a=1,b=2$salt$digest`, salt and digest in base64 of any kind. */

export interface PhcText {
  readonly name: string
  readonly version: string | undefined
  /** Whole numbers alone. */
  readonly parameters: ReadonlyMap<string, number>
  readonly salt: Buffer
  readonly digest: Buffer
}

const shape =
  /^\$([a-z0-9-]{1,32})(?:\$v=(\d{1,3}))?(?:\$([a-z]+=\d{1,9}(?:,[a-z]+=\d{1,9}){0,5}))?\$([^$]+)\$([^$]+)$/

export function parsePhc(text: string): PhcText | null {
  const [, name, version, list, saltText, digestText] = shape.exec(text) ?? []
  const salt = decodeBase64(saltText ?? '')
  const digest = decodeBase64(digestText ?? '')
  if (name === undefined || salt === null || digest === null) return null
  const parameters = new Map(
    (list?.split(',') ?? []).map((pair) => {
      const [key = '', value = ''] = pair.split('=')
      return [key, Number(value)] as const
    }),
  )
  return { name, version, parameters, salt, digest }
}

/** With or without padding, in base64url, and with passlib's `.` for `+`; null for anything else. */
export function decodeBase64(text: string): Buffer | null {
  if (!/^[A-Za-z0-9+/_.-]{1,344}={0,2}$/.test(text)) return null
  const decoded = Buffer.from(text.replaceAll('.', '+'), 'base64')
  // Its bytes stay as long as the client does, and a small `Buffer` would keep the 64 KiB that it is a part of.
  const own = Buffer.allocUnsafeSlow(decoded.length)
  own.set(decoded)
  return own
}

/** Shorter ones would be found by trying; longer ones are none. */
export const isDigestLength = ({ length }: Buffer): boolean => length >= 16 && length <= 128

export const isSaltLength = ({ length }: Buffer): boolean => length >= 4 && length <= 128
