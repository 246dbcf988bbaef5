/** What somebody who misspelt a name may have meant. */

// Whoever sends a name decides how long it is.
const longestCompared = 100

/** The up to three allowed names that differ least from a wrong one. */
export const nearestNames = (wrong: string, allowed: readonly string[]): readonly string[] =>
  byDistance(wrong, allowed)
    .slice(0, 3)
    .map(({ name }) => name)

/** The nearest name, if it is so near that it was surely meant: beyond a third of the letters it is no misspelling. */
export function misspeltName(wrong: string, allowed: readonly string[]): string | undefined {
  const [nearest] = byDistance(wrong, allowed)
  return nearest && nearest.distance <= Math.max(2, wrong.length / 3) ? nearest.name : undefined
}

function byDistance(wrong: string, allowed: readonly string[]) {
  const bounded = wrong.slice(0, longestCompared)
  return allowed
    .map((name) => ({ name, distance: isShort(bounded, name) ? 1 : editDistance(bounded, name) }))
    .sort((one, other) => one.distance - other.distance)
}

const shortestPrefix = 3

/** `tls_cert_file` for `tls_certificate_file`: many letters away, and yet nothing else is meant. */
function isShort(wrong: string, name: string): boolean {
  const [short, whole] = [wrong.split('_'), name.split('_')]
  return (
    short.length === whole.length &&
    short.every(
      (word, index) =>
        word === whole[index] || (word.length >= shortestPrefix && whole[index]?.startsWith(word) === true),
    )
  )
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
