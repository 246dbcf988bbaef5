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
    .map((name) => ({ name, distance: editDistance(bounded, name) }))
    .sort((one, other) => one.distance - other.distance)
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
