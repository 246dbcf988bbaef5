// Secrets that are looked for wherever they should not be: in each form that they could be written in.
import { existsSync, readFileSync } from 'node:fs'
import type { Database } from '../src/store/database.ts'

/** Something that must not be found, in each form that it could be written in. */
export interface Canary {
  readonly name: string
  readonly forms: readonly Buffer[]
}

export const ofText = (name: string, secret: string): Canary => ({
  name,
  forms: [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), btoa(secret)].map((form) =>
    Buffer.from(form),
  ),
})

/** Base64 of a part of a longer text depends on where the part begins, so all three beginnings are sought. */
export const ofBytes = (name: string, bytes: Buffer): Canary => ({
  name,
  forms: [
    bytes,
    ...[bytes.toString('hex'), bytes.toString('hex').toUpperCase()].map((form) => Buffer.from(form)),
    ...[0, 1, 2].flatMap((offset) => {
      const base64 = Buffer.concat([Buffer.alloc(offset), bytes])
        .toString('base64')
        .slice(4, -4)
      return [base64, base64.replaceAll('+', '-').replaceAll('/', '_')].map((form) => Buffer.from(form))
    }),
  ],
})

export function findCanaries(canaries: readonly Canary[], haystacks: ReadonlyMap<string, Buffer>): string[] {
  return [...haystacks].flatMap(([place, haystack]) =>
    canaries
      .filter(({ forms }) => forms.some((form) => haystack.includes(form)))
      .map(({ name }) => `${name} in ${place}`),
  )
}

/** What a thief of the database would hold: the very files of SQLite, every value of PostgreSQL. */
export async function databaseBytes(db: Database, location: string): Promise<Buffer> {
  if (db.engine === 'sqlite') {
    const files = ['', '-wal', '-shm'].map((suffix) => location + suffix).filter(existsSync)
    return Buffer.concat(files.map((file) => readFileSync(file)))
  }
  const pieces: Buffer[] = []
  for (const { name } of await db.kysely.introspection.getTables()) {
    const rows = await db.kysely
      .selectFrom(name as 'changes')
      .selectAll()
      .execute()
    for (const value of rows.flatMap((row) => Object.values(row as object) as unknown[])) {
      pieces.push(value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)), Buffer.of(0))
    }
  }
  return Buffer.concat(pieces)
}
