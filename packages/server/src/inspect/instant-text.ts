/** Epoch seconds in words; a stranger's token may hold any number. */

// The last second that a Date can name.
const latest = 8_640_000_000_000

export const instantText = (seconds: number): string =>
  Math.abs(seconds) <= latest
    ? new Date(seconds * 1000).toISOString()
    : `second ${seconds}, far beyond any calendar`
