/** A number for a text whose end nobody chooses: a signature, a digest, random characters. */

// Six bits each in base64url: more than a number of 32 bits can tell apart.
const charactersRead = 8

/** Made of the last eight characters. Two texts may have the same one, so whoever finds by it compares them. */
export function numberOfText(text: string): number {
  let number = 0
  for (let index = Math.max(0, text.length - charactersRead); index < text.length; index += 1)
    number = (Math.imul(number, 31) + text.charCodeAt(index)) | 0
  return number
}
