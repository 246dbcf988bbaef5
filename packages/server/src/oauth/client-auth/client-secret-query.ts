/** Dialect only: id and secret in the query string, under the names that the dialect gives them. */

import { secretPresentation } from './secret-presentation.ts'

export const clientSecretQuery = secretPresentation({
  name: 'client_secret_query',
  method: 'client_secret_post',
  isPresentedIn: ({ dialect, queryParameters }) =>
    dialect.queryCredentials !== null &&
    queryParameters.get(dialect.queryCredentials.clientSecret) !== undefined,
  // Reading them notes that the dialect was leant on.
  words: () => null,
  claims({ dialect, queryParameters, form, notes }) {
    if (dialect.queryCredentials === null) return []
    notes.features.add('query_credentials')
    const clientId = queryParameters.get(dialect.queryCredentials.clientId)
    const clientSecret = queryParameters.get(dialect.queryCredentials.clientSecret)
    if (clientId === undefined || clientSecret === undefined) return []
    // As with Basic: a client that the body names is the same one.
    return (form.get('client_id') ?? clientId) === clientId ? [{ clientId, clientSecret }] : []
  },
  problem: ({ dialect, queryParameters }) =>
    queryParameters.get(dialect.queryCredentials?.clientId ?? '') === undefined
      ? 'secret in the URL without the client id'
      : 'the URL and the body name two clients',
})
