/** A request that only names its client: proven by the certificate of its connection, or a public client's. */

import { refuse } from '@sallyport/protocol'
import type { Client } from '../../apps/client.ts'
import type { Presentation, ProvenClient } from './method.ts'
import { proveClaimed } from './prove-claimed.ts'

export const clientIdOnly: Presentation = {
  name: 'client_id',
  // Only when nothing else is presented; the table keeps this line last.
  isPresentedIn: () => true,
  prove(request, deps) {
    const clientId = request.form.get('client_id')
    if (clientId === undefined) return refuse('invalid_client', 'no credentials')
    return proveClaimed(request, clientId, provePublic, deps)
  },
}

/** RFC 6749 §2.1: a public client only says who it is. */
function provePublic(client: Client | null): ProvenClient | string {
  if (client === null) return 'client unknown'
  if (!client.settings.authenticationMethods.has('none')) return 'no credentials'
  return { client, credential: null, method: 'none' }
}
