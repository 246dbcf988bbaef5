/** The clients of Redis and Valkey that there are, by their shape: a script is run by its digest, and sent only where it is unknown. */

/** ioredis and iovalkey, single or cluster. */
export interface IoredisClient {
  evalsha(digest: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
  eval(source: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
}

interface KeysAndArguments {
  keys: string[]
  arguments: string[]
}

/** node-redis and @valkey/client, single, cluster or sentinel. */
export interface NodeRedisClient {
  evalSha(digest: string, options: KeysAndArguments): Promise<unknown>
  eval(source: string, options: KeysAndArguments): Promise<unknown>
}

/** Whatever sends the words of a command. */
export interface CommandClient {
  sendCommand(words: string[]): Promise<unknown>
}

/** Any of them. */
export type RedisClient = IoredisClient | NodeRedisClient | CommandClient

/** What a client says of its connection, apart from its answers. */
export interface Connection {
  /** The last error since the last answer; null where there was none. */
  readonly error: unknown
  answered(): void
}

interface Emitter {
  on(event: 'error' | 'ready', listener: (error: unknown) => void): unknown
}

const watched = new WeakMap<RedisClient, Connection>()

/**
 * Clients that queue what they cannot send fail late, or never: why, they say to whoever listens. Listeners are never
 * removed, as nobody says when a store is over: there is one for each client, however many stores are made on it.
 */
export function watchConnection(client: RedisClient): Connection {
  const known = watched.get(client)
  if (known !== undefined) return known
  const connection = watch(client)
  watched.set(client, connection)
  return connection
}

function watch(client: RedisClient): Connection {
  let error: unknown = null
  if ('on' in client && typeof client.on === 'function') {
    const emitter = client as RedisClient & Emitter
    emitter.on('error', (reason) => {
      error = reason
    })
    // Nothing may have been asked since: an error that is over explains no answer that is late.
    emitter.on('ready', () => {
      error = null
    })
  }
  return {
    get error() {
      return error
    },
    answered() {
      error = null
    },
  }
}

/** A script on one key. */
export type RunScript = (key: string, args: readonly string[]) => Promise<unknown>

interface Commands {
  evalSha(digest: string, key: string, args: readonly string[]): Promise<unknown>
  eval(source: string, key: string, args: readonly string[]): Promise<unknown>
}

function commandsOf(client: RedisClient): Commands {
  // ioredis has a sendCommand as well, which takes something else.
  if ('evalsha' in client) {
    return {
      evalSha: (digest, key, args) => client.evalsha(digest, 1, key, ...args),
      eval: (source, key, args) => client.eval(source, 1, key, ...args),
    }
  }
  if ('evalSha' in client) {
    return {
      evalSha: (digest, key, args) => client.evalSha(digest, { keys: [key], arguments: [...args] }),
      eval: (source, key, args) => client.eval(source, { keys: [key], arguments: [...args] }),
    }
  }
  return {
    evalSha: (digest, key, args) => client.sendCommand(['EVALSHA', digest, '1', key, ...args]),
    eval: (source, key, args) => client.sendCommand(['EVAL', source, '1', key, ...args]),
  }
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

const isUnknownScript = (reason: unknown): boolean =>
  reason instanceof Error && reason.message.startsWith('NOSCRIPT')

export function scriptRunner(client: RedisClient, source: string): RunScript {
  const commands = commandsOf(client)
  const digest = sha1(source)
  return async (key, args) => {
    try {
      return await commands.evalSha(await digest, key, args)
    } catch (reason) {
      // A server that was restarted or took over from another does not know it; EVAL teaches it.
      if (!isUnknownScript(reason)) throw reason
      return commands.eval(source, key, args)
    }
  }
}
