/** Instants as others say them, in seconds since 1970, and how far their clocks may be from ours. */

/** Two clocks may differ by this much. RFC 7519 §4.1.4, §4.1.5: a small leeway, no more than a few minutes. */
export const clockSkewSeconds = 60

/** RFC 7519 §2: a NumericDate. */
export const isInstant = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= 253_402_300_799
