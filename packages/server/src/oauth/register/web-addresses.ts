/** Addresses for people to look at: nothing is ever fetched from them, and none leads into anybody's own network. */

import { parseUrl } from '@sallyport/protocol'
import { namesPrivateHost } from '../../outbound/literal-host.ts'
import type { ClientMetadata } from './metadata.ts'
import { refuseMember } from './refuse-member.ts'

const addresses = ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri'] as const

/** Trust row 153; RFC 7591 §5. */
export function checkWebAddresses(metadata: ClientMetadata): void {
  for (const name of addresses) {
    const address = metadata[name]
    if (address !== undefined && !isPublic(address))
      refuseMember(name, 'must be an https URL on a public host.')
  }
}

const nowhere = () => false

function isPublic(address: string): boolean {
  const url = isPlainUrl(address) ? parseUrl(address) : null
  if (url === null || url.username !== '' || url.password !== '') return false
  // A name without a dot in it is one of the reader's own network.
  return /\.[^.]|\[/.test(url.hostname) && !namesPrivateHost(address, nowhere)
}

/** As it may be in a blueprint too. */
export const isPlainUrl = (text: string): boolean => /^https:\/\/[^\s#@\\]{1,2000}$/.test(text)
