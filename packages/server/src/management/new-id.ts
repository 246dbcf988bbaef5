/** Ids that the server makes up: the prefix says of what, and holds a `_`, which no made-up client id does. */

import { generateIdentifier } from '@sallyport/protocol'
import { defaultClientIdShape, identifierBytes } from '../tenants/client-id-shape.ts'

export const newId = (prefix: 'usr' | 'inv' | 'req' | 'reg', random: (bytes: number) => Uint8Array): string =>
  `${prefix}_${generateIdentifier(random(identifierBytes), defaultClientIdShape)}`
