// GitHub's secret scanning as a test can send it: a key pair of the scanner, and reports that it has signed.
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type { Doubles, TestServer } from '../harness.ts'

const scanner = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const identifier = 'f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d'
const pemOf = (pair: typeof scanner) => pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
export const published = {
  public_keys: [{ key_identifier: identifier, key: pemOf(scanner), is_current: true }],
}

/** Counts how often the keys were fetched. */
export function scannerDoubles(answer: () => Record<string, unknown> | null = () => published) {
  const fetches: string[] = []
  const doubles: Doubles = {
    fetchJson: async (url) => {
      fetches.push(url)
      const value = answer()
      return value ? { ok: true, value, maxAgeSeconds: null } : { ok: false, reason: 'its host is gone' }
    },
  }
  return { fetches, doubles }
}

interface Signing {
  readonly by?: typeof scanner
  readonly id?: string
  readonly method?: string
  readonly sent?: string
  readonly host?: string
}

/** As GitHub sends it, unless told otherwise. */
export function report(server: TestServer, body: string, signing: Signing = {}) {
  const { by = scanner, id = identifier, method = 'POST', sent = body, host } = signing
  return server.request({
    method,
    url: '/secret-scanning/github',
    body: sent,
    ...(host !== undefined && { host }),
    headers: {
      'content-type': 'application/json',
      'github-public-key-identifier': id,
      'github-public-key-signature': sign('sha256', Buffer.from(body), by.privateKey).toString('base64'),
    },
  })
}

export const type = 'sallyport_client_secret'
export const url =
  'https://github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/foo/bar.txt'
/** A report of these. */
export const found = (...tokens: readonly string[]) =>
  JSON.stringify(tokens.map((token) => ({ token, type, url: `${url}?token=${token}`, source: 'content' })))

export const labelOf = (token: string, label: string) => ({
  token_hash: createHash('sha256').update(token).digest('hex'),
  token_type: type,
  label,
})
