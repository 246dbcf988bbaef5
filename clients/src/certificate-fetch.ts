/** A fetch that shows a client certificate: the way that the libraries' own documents tell people to do it. */

import { getCACertificates } from 'node:tls'
import { Agent, fetch as undiciFetch } from 'undici'
import type { ClientCertificate } from './material.ts'

interface CertificateFetch {
  readonly fetch: typeof globalThis.fetch
  close(): Promise<void>
}

function createCertificateFetch(certificate: ClientCertificate): CertificateFetch {
  const dispatcher = new Agent({ connect: { ...certificate, ca: getCACertificates('default') } })
  // The library's types and Node's are two copies of the same.
  const fetch = (input: unknown, init: object = {}) =>
    undiciFetch(input as string, { ...init, dispatcher } as never)
  return { fetch: fetch as unknown as typeof globalThis.fetch, close: () => dispatcher.close() }
}

/** Certificate in, result out, no connection left. */
export async function withCertificate<Result>(
  certificate: ClientCertificate | undefined,
  work: (fetch: typeof globalThis.fetch | undefined) => Promise<Result>,
): Promise<Result> {
  if (!certificate) return work(undefined)
  const { fetch, close } = createCertificateFetch(certificate)
  try {
    return await work(fetch)
  } finally {
    await close()
  }
}
