/** The issuer as the guard knows it: one URL, from which everything else follows. */

import type { Effects } from '../effects.ts'
import { type ApiCredentials, ask, askJson, basicHeader, inTime } from './ask.ts'
import { fetchMetadata, type IssuerMetadata } from './metadata.ts'

export interface Issuer {
  readonly url: string
  /** The JWK Set. Throws when it cannot be had. */
  fetchKeys(): Promise<unknown>
  /** RFC 7662: what it says of a token, as JSON. Throws when there is no answer. */
  introspect(token: string): Promise<unknown>
  /** Its endpoints and limits, or with `app` what an app may beside; as JSON. Throws when there is no answer. */
  fetchPolicy(app: string | null): Promise<unknown>
  /** The revocations as server-sent events, from the beginning or after the event with this id. */
  openFeed(lastEventId: string | null, signal: AbortSignal): Promise<Response>
}

export interface IssuerOptions {
  readonly url: string
  /** Without them the issuer answers no question about tokens or revocations. */
  readonly credentials: ApiCredentials | null
  readonly effects: Effects
}

export function createIssuer({ url, credentials, effects }: IssuerOptions): Issuer {
  let metadata: IssuerMetadata | null = null
  let flight: Promise<IssuerMetadata> | null = null
  /** Kept once it is there: an endpoint that moves is found when the old one fails. */
  const known = async (): Promise<IssuerMetadata> => {
    if (metadata !== null) return metadata
    flight ??= fetchMetadata(url, effects).finally(() => {
      flight = null
    })
    metadata = await flight
    return metadata
  }
  const authorization = credentials === null ? null : basicHeader(credentials)
  const identified = (): { readonly authorization: string } => {
    if (authorization === null) throw new TypeError('the guard has no credentials of its API')
    return { authorization }
  }
  const orForget = async <Answer>(question: Promise<Answer>): Promise<Answer> => {
    try {
      return await question
    } catch (error) {
      metadata = null
      throw error
    }
  }
  return {
    url,
    fetchKeys: () =>
      inTime(effects, async (signal) => {
        const { jwksUri } = await known()
        return orForget(askJson(effects, jwksUri, { signal }))
      }),
    introspect: (token) =>
      inTime(effects, async (signal) => {
        const { introspectionEndpoint: endpoint } = await known()
        if (endpoint === null) throw new TypeError('the issuer has no introspection endpoint')
        const body = new URLSearchParams({ token })
        return orForget(askJson(effects, endpoint, { method: 'POST', headers: identified(), body, signal }))
      }),
    fetchPolicy: (app) =>
      inTime(effects, (signal) => {
        const query = app === null ? '' : `?app=${encodeURIComponent(app)}`
        return askJson(effects, `${url}/oauth2/policy${query}`, { headers: identified(), signal })
      }),
    openFeed: (lastEventId, signal) =>
      ask(effects, `${url}/oauth2/revocations`, {
        headers: {
          ...identified(),
          accept: 'text/event-stream',
          ...(lastEventId !== null && { 'last-event-id': lastEventId }),
        },
        signal,
      }),
  }
}
