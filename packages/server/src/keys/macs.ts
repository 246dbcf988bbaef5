/** What a client that shares a secret with us may make a MAC with: one line an algorithm. */

export const macs = {
  HS256: { hash: 'sha256', keyBytes: 32 },
  HS384: { hash: 'sha384', keyBytes: 48 },
  HS512: { hash: 'sha512', keyBytes: 64 },
} as const satisfies Record<string, Mac>

interface Mac {
  readonly hash: string
  /** RFC 7518 §3.2: the shortest secret that it may be made with is as long as the hash. */
  readonly keyBytes: number
}

export type MacAlgorithm = keyof typeof macs

export const macAlgorithms = Object.keys(macs) as readonly MacAlgorithm[]

// A name such as `constructor` is a member of every object.
export const isMac = (algorithm: string): algorithm is MacAlgorithm => Object.hasOwn(macs, algorithm)
