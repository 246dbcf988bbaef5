/** Says which names would do in a place. */
export function oneOf(what: string, names: readonly string[]): string {
  if (names.length === 0) return `${what}, of which there is none`
  const others = names.length - mostNames
  return `${what}: ${names.slice(0, mostNames).join(', ')}${others > 0 ? ` and ${others} others` : ''}`
}

const mostNames = 20
