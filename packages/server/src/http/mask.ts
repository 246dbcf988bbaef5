/** The second net of the log: texts that should never have held a secret lose what looks like one. */

const longestText = 2000

const secretShapes =
  /\bsp_[a-z]+_[A-Za-z0-9]+|\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}|\b(?:Basic|Bearer|DPoP)\s+[\w~+/.=-]{8,}/gi

/** Our secrets, tokens, and Authorization values. */
export const mask = (text: string): string => text.replace(secretShapes, '[masked]').slice(0, longestText)
