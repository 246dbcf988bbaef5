/** One spelling for every spelling of a client id, so that a throttle cannot be walked around. */
import { decodeFormComponent } from './form-encoding.ts'

const maximumLength = 256
const alreadyCanonical = /^[a-z0-9_-]{1,64}$/

/**
 * The key under which wrong attempts on a client id are counted: percent-decoded, compatibility-normalized (NFKC), without
 * case and outer blanks, at most 256 characters. Lock-outs keyed on the raw spelling have been evaded by all of these.
 *
 * Only for counters: clients are looked up by their exact id. Takes any text and throws nothing.
 */
export function canonicalClientId(text: string): string {
  if (alreadyCanonical.test(text)) return text
  const bounded = text.slice(0, maximumLength)
  const decoded = decodeFormComponent(bounded) ?? bounded
  // Upper case first: some letters (ß, final sigma) meet their likes only there, others (U+0345) only before they compose.
  const folded = decoded.toUpperCase().normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
  return folded.trim().slice(0, maximumLength)
}
