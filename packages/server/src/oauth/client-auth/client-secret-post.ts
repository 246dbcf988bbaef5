/** RFC 6749 §2.3.1: id and secret among the body's parameters. */

import type { ClientAuthMethod } from './method.ts'

export const clientSecretPost: ClientAuthMethod = {
  name: 'client_secret_post',
  registeredAs: 'client_secret_post',
  isPresentedIn: ({ form }) => form.get('client_secret') !== undefined,
  claims({ form }) {
    const clientId = form.get('client_id')
    const clientSecret = form.get('client_secret')
    return clientId !== undefined && clientSecret !== undefined ? [{ clientId, clientSecret }] : []
  },
}
