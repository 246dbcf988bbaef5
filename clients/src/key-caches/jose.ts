/** jose, told to keep the key set for the max-age of its answer and not to ask before for a key that it does not know. */

import {
  createRemoteJWKSet,
  customFetch,
  type ExportedJWKSCache,
  errors,
  type FetchImplementation,
  jwksCache,
  jwtVerify,
} from 'jose'
import type { CachingVerifier, RunningVerifier, Setting } from './caching-verifier.ts'

export const jose: CachingVerifier = {
  name: 'jose',
  unknownKey: /^ERR_JWKS_NO_MATCHING_KEY$/,
  whyAbsent: () => undefined,
  start,
}

function start({ issuer, audience, algorithm, jwksUri }: Setting): RunningVerifier {
  const cache = createKeyCache(new URL(jwksUri))
  return {
    async verify(now, tokens) {
      const keys = cache.keysAt(now)
      const options = { issuer, audience, algorithms: [algorithm], typ: 'at+jwt' }
      const errorOf = (token: string) =>
        jwtVerify(token, keys, { ...options, currentDate: new Date(now * 1000) }).then(() => null, textOf)
      return { errors: await Promise.all(tokens.map(errorOf)), fetches: cache.fetches() }
    },
    stop: async () => {},
  }
}

const textOf = (error: unknown): string => (error instanceof errors.JOSEError ? error.code : String(error))

/** What jose keeps is handed to it again at each instant, as old as it is by the clock of the server. */
function createKeyCache(url: URL) {
  const kept: { cache: Partial<ExportedJWKSCache>; fetchedAt: number; maxAge: number; fetches: number } = {
    ...{ cache: {}, fetchedAt: 0, maxAge: 0, fetches: 0 },
  }
  const fetchKeys =
    (now: number): FetchImplementation =>
    async (from, options) => {
      const response = await fetch(from, options)
      const [, seconds] = /max-age=(\d+)/.exec(response.headers.get('Cache-Control') ?? '') ?? []
      Object.assign(kept, { fetchedAt: now, maxAge: Number(seconds), fetches: kept.fetches + 1 })
      return response
    }
  return {
    keysAt(now: number) {
      if (kept.fetches > 0) kept.cache.uat = Date.now() - (now - kept.fetchedAt) * 1000
      return createRemoteJWKSet(url, {
        cacheMaxAge: kept.maxAge * 1000,
        cooldownDuration: Number.POSITIVE_INFINITY,
        [customFetch]: fetchKeys(now),
        [jwksCache]: kept.cache as ExportedJWKSCache,
      })
    },
    fetches: () => kept.fetches,
  }
}
