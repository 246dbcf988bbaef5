/** What the process and its writing thread say to each other. */

import type { OpaqueTokenRow, Use } from './database.ts'

export interface SqliteThreadOptions {
  readonly file: string
  readonly synchronous: 'full' | 'off'
  readonly lockWaitMilliseconds: number
}

/** Uses are many and small, so they are packed into one buffer, which moves uncopied. */
export type SqliteThreadQuestion = ArrayBuffer | readonly OpaqueTokenRow[]

export type SqliteThreadAnswer =
  /** Of each use whether it was new; of tokens nothing. */
  | { readonly isNew: readonly boolean[] }
  /** SQLite's own words and code. */
  | { readonly errorText: string; readonly errorCode: number }

const timeBytes = 8
const digestBytes = 32
const useBytes = timeBytes + digestBytes

export function packUses(uses: readonly Use[]): ArrayBuffer {
  const packed = new ArrayBuffer(uses.length * useBytes)
  const view = new DataView(packed)
  const bytes = new Uint8Array(packed)
  for (const [index, { expiresAt, digest }] of uses.entries()) {
    view.setFloat64(index * useBytes, expiresAt)
    bytes.set(digest, index * useBytes + timeBytes)
  }
  return packed
}

export function* readUses(packed: ArrayBuffer): Generator<Use> {
  const view = new DataView(packed)
  for (let start = 0; start < packed.byteLength; start += useBytes) {
    yield {
      expiresAt: view.getFloat64(start),
      digest: new Uint8Array(packed, start + timeBytes, digestBytes),
    }
  }
}
