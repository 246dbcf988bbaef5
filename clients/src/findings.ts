/** What a run of the suite has found, for the table of `docs/clients.md`. */

export type Finding = 'works' | 'not yet'

export interface Findings {
  /** Of a client: a proof or `DPoP`; of a verifier: an algorithm. */
  note(name: string, cell: string, finding: Finding): void
  noteAbsent(name: string): void
  isAbsent(name: string): boolean
  /** Undefined for what has not been tried. */
  of(name: string, cell: string): Finding | undefined
}

export function createFindings(): Findings {
  const found = new Map<string, Finding>()
  const absent = new Set<string>()
  return {
    note: (name, cell, finding) => void found.set(`${name} ${cell}`, finding),
    noteAbsent: (name) => void absent.add(name),
    isAbsent: (name) => absent.has(name),
    of: (name, cell) => found.get(`${name} ${cell}`),
  }
}
