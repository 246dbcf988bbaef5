/** RFC 7591 §2.3: somebody else's word for the software. No issuer of such statements is approved anywhere yet. */

import { readJws, refuse } from '@sallyport/protocol'

/** Trust row 154. Throws for every one: what cannot be read is told from what nobody here believes. */
export function refuseStatement(text: string): never {
  const statement = readJws(text)
  const isSigned = statement !== null && statement.algorithm !== 'none' && statement.signature.length > 0
  if (!isSigned || typeof statement.payload.iss !== 'string')
    refuse('invalid_software_statement', 'software statement is no signed JWT with an issuer')
  refuse('unapproved_software_statement', 'no issuer of software statements is approved')
}
