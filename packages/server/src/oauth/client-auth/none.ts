/** RFC 6749 §2.1: a public client only says who it is. */

import type { ClientAuthMethod } from './method.ts'

export const none: ClientAuthMethod = {
  name: 'none',
  registeredAs: 'none',
  // Only when nothing else is presented; the table keeps this line last.
  isPresentedIn: () => true,
  claims({ form }) {
    const clientId = form.get('client_id')
    return clientId === undefined ? [] : [{ clientId, clientSecret: null }]
  },
}
