/** What a generated client id looks like where a tenant says nothing of it. */

import type { IdentifierShape } from '@sallyport/protocol'

export const defaultClientIdShape: IdentifierShape = { length: 24, alphabet: 'lower_alphanumeric' }

/** Random bytes: enough for the longest shape that a tenant may set. */
export const identifierBytes = 64
