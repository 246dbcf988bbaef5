/** Numbers as letters and digits: the only characters that survive every shell, URL and header unencoded. */

export const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
export const base36 = '0123456789abcdefghijklmnopqrstuvwxyz'

/** Reads bytes as one big-endian number. */
export function bytesToInteger(bytes: Uint8Array): bigint {
  // Shifting it byte by byte would cost the square of its length.
  return BigInt(`0x0${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`)
}

/** Writes the last `length` digits of a number, left-padded with the alphabet's zero. */
export function encodeInteger(value: bigint, length: number, alphabet: string): string {
  const base = BigInt(alphabet.length)
  let text = ''
  for (let rest = value; text.length < length; rest /= base)
    text = alphabet.charAt(Number(rest % base)) + text
  return text
}
