/** RFC 6749 §2.3.1: id and secret among the body's parameters. */

import { secretPresentation } from './secret-presentation.ts'

export const clientSecretPost = secretPresentation({
  name: 'client_secret_post',
  method: 'client_secret_post',
  isPresentedIn: ({ form }) => form.get('client_secret') !== undefined,
  words: ({ form }) => `${form.get('client_id') ?? ''}\0${form.get('client_secret')}`,
  claims({ form }) {
    const clientId = form.get('client_id')
    const clientSecret = form.get('client_secret')
    return clientId !== undefined && clientSecret !== undefined ? [{ clientId, clientSecret }] : []
  },
  problem: () => 'client_secret without client_id',
})
