/** A bounded memory of tokens and other texts whose end nobody chooses: a signature, a digest, random characters. */

import { RecentMap } from './recent-map.ts'
import { numberOfText } from './text-number.ts'

interface Kept<Value> {
  readonly text: string
  readonly value: Value
}

/**
 * A `RecentMap` for texts that are made anew for each request. V8 looks for its one copy of a text before a `Map` can be
 * asked for it, which takes longer for a token than all the rest; so here a number made of the last characters is
 * the key, and the text is compared. Of two texts with the same number one is remembered: neither is ever the other.
 */
export class RecentTexts<Value> {
  readonly #kept: RecentMap<Kept<Value>, number>

  constructor(limit: number) {
    this.#kept = new RecentMap(limit)
  }

  get(text: string): Value | undefined {
    const kept = this.#kept.get(numberOfText(text))
    return kept?.text === text ? kept.value : undefined
  }

  set(text: string, value: Value): void {
    this.#kept.set(numberOfText(text), { text: ownCopy(text), value })
  }

  clear(): void {
    this.#kept.clear()
  }

  get size(): number {
    return this.#kept.size
  }

  get isFull(): boolean {
    return this.#kept.isFull
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What was cut out of a request would keep all of that request in memory. */
const ownCopy = (text: string): string => decoder.decode(encoder.encode(text))
