// Which exports somebody needs: the other half of the map in architecture-rules.ts.
import { posix } from 'node:path'
import { type Check, installedByApis, isRelative, type Repository, targetOf } from './architecture-rules.ts'
import { blank, type Declaration, declarationsOf, importsOf } from './source-text.ts'

/** Exports that no rule excuses, by file and name. */
// Programs that manage a server are to be written with it; today one test is.
const keptExports: readonly string[] = ['createTypedClient', 'Terms', 'Answer'].map(
  (name) => `packages/server/src/management/typed-client.ts exports ${name}`,
)

/**
 * `export` says that another file depends on the name, so one that nobody imports misleads whoever is about to change it.
 * - What the packages that APIs install hand out is for people outside.
 * - A type may be exported for the sake of an exported declaration of its file that leads to it: a caller may want to write
 *   it down. So may one be handed on beside what an entry hands on.
 * - A test may hold a rule at a smaller piece than the file hands out, so an export for tests alone stays as long as
 *   its own file uses it. What only a test would miss is no part of the product.
 * - clients/ is run by its tests alone: there they count like source.
 */
export const everyExportIsImported: Check = (repository) => {
  const all = [...repository.files, ...repository.outside]
  const forPeople = entriesOf(repository).filter(({ library }) => installedByApis.includes(library))
  const takings = takingsIn(repository)
  return all
    .filter(({ path }) => !isTest(path) && !forPeople.some((entry) => entry.path === path))
    .flatMap(({ path, text }) => {
      const declared = declarationsOf(text)
      const spoken = typesSpokenOf(declared)
      const takersOf = (name: string) => takings.get(path)?.filter(({ takes }) => takes(name)) ?? []
      const isUsedHere = ({ name, statement }: Declaration) =>
        statement !== '' && says(blank(text).replace(statement, ''), name)
      const isWanted = (declaration: Declaration) => {
        const takers = takersOf(declaration.name)
        if (takers.some(({ byTest }) => !byTest)) return true
        if (declaration.kind === 'type') return declaration.statement === '' || spoken.has(declaration)
        return takers.length > 0 && isUsedHere(declaration)
      }
      return declared
        .filter((declaration) => declaration.isExported && !isWanted(declaration))
        .map(({ name }) => `${path} exports ${name}`)
    })
    .filter((found) => !keptExports.includes(found))
    .map((found) => `${found}, which no other file imports`)
}

const isTest = (path: string) => /(?:^|\/)test\//.test(path) && !path.startsWith('clients/')
const says = (code: string, name: string) => new RegExp(`(?<![\\w$])${name}(?![\\w$])`).test(code)

/** The files that packages are imported by, from outside. */
const entriesOf = ({ manifests }: Repository) =>
  Object.entries(manifests).flatMap(([name, { entries }]) =>
    Object.entries(entries).map(([key, path]) => {
      const library = `@sallyport/${name}`
      return { library, specifier: posix.join(library, key), path: posix.join('packages', name, path) }
    }),
  )

/** Who takes which names, by the file that has them. */
function takingsIn(repository: Repository) {
  const entries = new Map(entriesOf(repository).map(({ specifier, path }) => [specifier, path]))
  const takings = [...repository.files, ...repository.outside].flatMap((file) =>
    importsOf(file.text).map(({ specifier, names }) => ({
      target: isRelative(specifier) ? targetOf(file, specifier) : entries.get(specifier),
      byTest: isTest(file.path),
      takes: (name: string) => (names ? names.includes(name) : says(blank(file.text), name)),
    })),
  )
  return Map.groupBy(takings, ({ target }) => target)
}

/** The types that exported declarations name, and those that these name. */
function typesSpokenOf(declared: readonly Declaration[]): ReadonlySet<Declaration> {
  const spoken = new Set<Declaration>()
  const listen = (speaker: Declaration) => {
    for (const other of declared) {
      if (other.kind !== 'type' || other.name === speaker.name || spoken.has(other)) continue
      if (!says(speaker.statement, other.name)) continue
      spoken.add(other)
      listen(other)
    }
  }
  declared.filter(({ isExported }) => isExported).forEach(listen)
  return spoken
}
