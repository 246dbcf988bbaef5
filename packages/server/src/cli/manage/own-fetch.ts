/** `fetch` over HTTPS with an authority of one's own: Node's has no such option, and follows redirects with the token. */

import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Fetch, Fetched } from '../../management/client.ts'
import { terminalText } from '../standard-input.ts'

/** There is no answer: the message says why, and what to do. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable'
}

const patienceMilliseconds = 30_000

/** `ca` is the path of the one authority that is trusted, in PEM; left out, those that Node trusts. */
export function createFetch(ca: string | undefined): Fetch {
  const agent = new Agent({ keepAlive: true, ...(ca !== undefined && { ca: readFileSync(ca) }) })
  return (url, { method, headers, body = '' }) =>
    new Promise((resolve, reject) => {
      const refuse = (cause: NodeJS.ErrnoException) =>
        reject(new ServerUnreachable(sentenceOf(cause, new URL(url)), { cause }))
      const length = String(Buffer.byteLength(body))
      const sent = request(url, { method, agent, headers: { ...headers, 'Content-Length': length } })
      sent.setTimeout(patienceMilliseconds, () => sent.destroy(new Error('it does not answer')))
      sent.on('error', refuse)
      sent.on('response', (message) => {
        const chunks: Buffer[] = []
        message.on('data', (chunk: Buffer) => chunks.push(chunk))
        message.on('error', refuse)
        message.on('end', () => resolve(fetchedOf(message, Buffer.concat(chunks))))
      })
      sent.end(body)
    })
}

/** No `Response`: loading that is a fifth of what a command takes. */
function fetchedOf({ statusCode: status = 0, headersDistinct }: IncomingMessage, body: Buffer): Fetched {
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: { get: (name) => headersDistinct[name.toLowerCase()]?.join(', ') ?? null },
    text: async () => new TextDecoder().decode(body),
  }
}

const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
])

function sentenceOf({ code = '', message }: NodeJS.ErrnoException, { origin }: URL): string {
  if (untrusted.has(code))
    return `The certificate of ${origin} is of no authority that is trusted here (${code}). Name its authority: --ca with login and token, or SALLYPORT_CA.`
  if (code === 'ECONNREFUSED')
    return `Nothing answers at ${origin}. Is the server running, and is the URL right?`
  // Of a certificate for another host Node repeats what that says.
  return terminalText(`${origin} cannot be reached: ${message}.`)
}
