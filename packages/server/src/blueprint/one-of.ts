/** Says which names would do in a place. */
export const oneOf = (what: string, names: readonly string[]): string =>
  names.length === 0 ? `${what}, of which there is none` : `${what}: ${names.join(', ')}`
