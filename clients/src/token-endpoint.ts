/** The token endpoint for clients that have to be told: from metadata, where RFC 8705 §5 names another one for certificates. */

import type { Order } from './client.ts'

interface Metadata {
  readonly token_endpoint: string
  readonly mtls_endpoint_aliases?: { readonly token_endpoint?: string }
}

async function metadataOf(issuer: string): Promise<Metadata> {
  const { origin, pathname } = new URL(issuer)
  const response = await fetch(`${origin}/.well-known/oauth-authorization-server${pathname}`)
  return (await response.json()) as Metadata
}

export async function tokenEndpoint({ issuer, certificate }: Pick<Order, 'issuer' | 'certificate'>) {
  const { token_endpoint: usual, mtls_endpoint_aliases: aliases } = await metadataOf(issuer)
  return (certificate && aliases?.token_endpoint) ?? usual
}
