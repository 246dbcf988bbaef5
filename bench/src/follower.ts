/** One who follows the revocations of the tenant es256 as server-sent events, and notes when it hears of which token. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'

export interface Follower {
  /** The instant, by `performance.now()`, at which it hears of the token with this `jti`. */
  toldOf(jti: string): Promise<number>
  close(): void
}

/** Resolves once it knows all that the server knows. */
export async function createFollower(port: number, credential: string): Promise<Follower> {
  const headers = {
    Authorization: `Basic ${credential}`,
    Accept: 'text/event-stream',
    'X-Forwarded-Proto': 'https',
  }
  const asked = request({ host: '127.0.0.1', port, path: '/es256/oauth2/revocations', headers, agent: false })
  asked.end()
  const [response]: IncomingMessage[] = await once(asked, 'response')
  if (response?.statusCode !== 200) throw new Error(`a follower was answered ${response?.statusCode}`)
  const waiting = new Map<string, (at: number) => void>()
  const ready = Promise.withResolvers<void>()
  let rest = ''
  response.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) hear(line)
  })
  response.on('error', ready.reject)
  const hear = (line: string) => {
    if (line === 'event: ready') ready.resolve()
    if (!line.startsWith('data: {"kind":"token"')) return
    const { id }: { readonly id: string } = JSON.parse(line.slice('data: '.length))
    waiting.get(id)?.(performance.now())
    waiting.delete(id)
  }
  await ready.promise
  // Its end is ours.
  response.off('error', ready.reject).on('error', () => {})
  return {
    toldOf: (jti) => new Promise((resolve) => waiting.set(jti, resolve)),
    close: () => asked.destroy(),
  }
}
