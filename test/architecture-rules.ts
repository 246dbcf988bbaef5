// The map of the code as data, and the checks that hold it. docs/architecture.md draws it for people.
import { posix } from 'node:path'
import { blank, importsOf, type SourceFile, untraceableImportsOf } from './source-text.ts'

/** Which of our packages a package may import. */
export const arrow: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  guard: ['protocol'],
  gateway: ['protocol', 'guard'],
  server: ['protocol', 'guard'],
  client: [],
}

/** packages/server/src from top to bottom. A file may import its own row and every row below; a new folder is one word. */
export const serverLayers: readonly (readonly string[])[] = [
  ['main.ts', 'cli', 'dev'],
  ['wiring'],
  ['open-store.ts', 'master-key.ts', 'config.ts', 'environment.ts', 'setting-kinds.ts', 'upkeep.ts'],
  ['http'],
  ['oauth', 'management', 'inspect'],
  [
    'tokens',
    'sender-constraint',
    'tenants',
    'apps',
    'keys',
    'federation',
    'revocation',
    'limits',
    'audit',
    'blueprint',
  ],
  ['certificates', 'outbound'],
  ['store'],
  ['cipher-suites.ts', 'effects.ts', 'entity-tag.ts'],
]

/** Neighbours of one row that must not know each other. */
export const strangers: readonly (readonly [string, string])[] = [['oauth', 'management']]

/** Where the drivers are chosen and the world is let in: everything else gets them as arguments. */
export const compositionRoot = [
  'packages/server/src/main.ts',
  'packages/server/src/wiring/',
  'packages/server/src/cli/',
  'packages/server/src/dev/',
]
/** The one file that turns a configuration into an open store names the drivers too. */
export const storeOpener = 'packages/server/src/open-store.ts'
export const drivers = ['packages/server/src/store/sqlite.ts', 'packages/server/src/store/postgres.ts']
export const effectFiles = [
  'packages/server/src/effects.ts',
  'packages/guard/src/effects.ts',
  'packages/client/src/effects.ts',
]

/** Libraries that only one place may know, so that they can be replaced there. */
export const librariesWithOneHome: Readonly<Record<string, readonly string[]>> = {
  fastify: ['packages/server/src/http/'],
  kysely: ['packages/server/src/store/'],
  pg: ['packages/server/src/store/'],
  'node:sqlite': ['packages/server/src/store/'],
  commander: ['packages/server/src/cli/'],
}

const effects: readonly (readonly [string, RegExp])[] = [
  ['Date.now', /\bDate\.now\b/],
  ['new Date()', /\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())/],
  ['Math.random', /\bMath\.random\b/],
  ['randomness of crypto', /\b\w*crypto\.(?:random\w+|getRandomValues)\b/i],
  [
    'randomness of crypto',
    /\bimport\s*\{[^}]*\b(?:random(?:Bytes|UUID|Int|Fill|FillSync)|getRandomValues)\b/,
  ],
  ['global fetch', /(?<![.\w])fetch\s*\(|\bglobalThis\.fetch\b/],
]

const vagueNames = /(?:^|-)(?:utils?|helpers?|managers?)(?:-|$)|^(?:common|shared)$/

export type PackageManifest = {
  readonly dependencies: readonly string[]
  /** The file behind each name that the package is imported by, as in `exports`. */
  readonly entries: Readonly<Record<string, string>>
}
export type Repository = {
  /** packages/NAME/src */
  readonly files: readonly SourceFile[]
  /** What imports the packages from outside: bench, clients, examples, scripts, and every test. */
  readonly outside: readonly SourceFile[]
  /** By the folder's name under packages/. */
  readonly manifests: Readonly<Record<string, PackageManifest>>
}

export type Check = (repository: Repository) => string[]

const packageOf = (path: string) => path.split('/')[1] ?? ''
const isIn = (path: string, places: readonly string[]) =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))
export const targetOf = (file: SourceFile, specifier: string) =>
  posix.join(posix.dirname(file.path), specifier)
export const isRelative = (specifier: string) => specifier.startsWith('.')
const libraryOf = (specifier: string) =>
  specifier.startsWith('node:')
    ? specifier
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')

function eachImport(
  { files }: Repository,
  judge: (file: SourceFile, specifier: string, typeOnly: boolean) => string | undefined,
): string[] {
  return files.flatMap((file) =>
    importsOf(file.text).flatMap(({ specifier, typeOnly }) => {
      const complaint = judge(file, specifier, typeOnly)
      return complaint ? [`${file.path} imports ${specifier}: ${complaint}`] : []
    }),
  )
}

export const packagesFollowTheArrow: Check = (repository) =>
  eachImport(repository, (file, specifier) => {
    const home = packageOf(file.path)
    const allowed = arrow[home]
    if (!allowed) return `packages/${home} has no row in the arrow`
    if (isRelative(specifier)) {
      const inside = targetOf(file, specifier).startsWith(`packages/${home}/src/`)
      return inside ? undefined : 'a relative import may not leave src; name the package'
    }
    const ours = /^@sallyport\/([^/]+)/.exec(specifier)?.[1]
    return ours && !allowed.includes(ours)
      ? `${home} may import only ${allowed.join(', ') || 'nothing of ours'}`
      : undefined
  })

/** What somebody who copies an example has to install of ours. */
export const installedByApis = ['@sallyport/guard', '@sallyport/client']

export const examplesImportWhatApisInstall: Check = (repository) =>
  eachImport(repository, (file, specifier) => {
    if (isRelative(specifier))
      return targetOf(file, specifier).startsWith('examples/') ? undefined : 'an example is copied as it is'
    const library = libraryOf(specifier)
    return library.startsWith('@sallyport/') && !installedByApis.includes(library)
      ? `an example may import only ${installedByApis.join(', ')}`
      : undefined
  })

const serverSource = 'packages/server/src/'

/** The folder, or the file, directly under packages/server/src. */
const placeOf = (path: string) => path.slice(serverSource.length).split('/')[0] ?? ''
const rowOf = (place: string) => serverLayers.findIndex((row) => row.includes(place))

export const everyServerPlaceHasALayer: Check = ({ files }) => {
  const places = new Set(
    files.filter(({ path }) => path.startsWith(serverSource)).map(({ path }) => placeOf(path)),
  )
  return [...places]
    .filter((place) => rowOf(place) < 0)
    .map((place) => `${serverSource}${place} is in no row of serverLayers (test/architecture-rules.ts)`)
}

export const everyLayerHasItsPlaces: Check = ({ files }) =>
  serverLayers
    .flat()
    .filter((place) => !files.some(({ path }) => path.startsWith(serverSource) && placeOf(path) === place))
    .map((place) => `${serverSource}${place} is in serverLayers (test/architecture-rules.ts), and not there`)

export const serverLayersPointDown: Check = (repository) =>
  eachImport(repository, (file, specifier) => {
    if (!file.path.startsWith(serverSource) || !isRelative(specifier)) return undefined
    const [from, to] = [placeOf(file.path), placeOf(targetOf(file, specifier))]
    if (strangers.some((pair) => from !== to && pair.includes(from) && pair.includes(to))) {
      return `${from} and ${to} may not know each other`
    }
    return rowOf(to) < rowOf(from) ? `${from} is below ${to}` : undefined
  })

export const onlyTheRootNamesDrivers: Check = (repository) =>
  eachImport(repository, (file, specifier) =>
    isRelative(specifier) &&
    drivers.includes(targetOf(file, specifier)) &&
    !drivers.includes(file.path) &&
    !isIn(file.path, [...compositionRoot, storeOpener])
      ? 'only the composition root names a driver'
      : undefined,
  )

export const librariesStayHome: Check = (repository) =>
  eachImport(repository, (file, specifier) => {
    const homes = librariesWithOneHome[libraryOf(specifier)]
    return homes && file.path.startsWith(serverSource) && !isIn(file.path, homes)
      ? `only ${homes.join(', ')} may know it`
      : undefined
  })

export const protocolIsPure: Check = (repository) =>
  eachImport(repository, (file, specifier, typeOnly) =>
    packageOf(file.path) === 'protocol' && specifier.startsWith('node:') && !typeOnly
      ? 'protocol is pure'
      : undefined,
  )

export const effectsAreHandedIn: Check = ({ files }) =>
  files
    .filter(({ path }) => !isIn(path, compositionRoot) && !isIn(path, effectFiles))
    .flatMap(({ path, text }) => {
      const code = blank(text)
      return effects
        .filter(([, pattern]) => pattern.test(code))
        .map(([name]) => `${path} uses ${name}; take it as an argument`)
    })

export const importsAreDeclared: Check = (repository) =>
  eachImport(repository, (file, specifier) => {
    if (isRelative(specifier) || specifier.startsWith('node:')) return undefined
    const declared = repository.manifests[packageOf(file.path)]?.dependencies ?? []
    return declared.includes(libraryOf(specifier))
      ? undefined
      : "not a dependency in the package's own package.json"
  })

export const importsAreTraceable: Check = ({ files }) =>
  files.flatMap(({ path, text }) =>
    untraceableImportsOf(text).map((found) => `${path}: ${found} cannot be followed`),
  )

export const nothingIsExportedAsDefault: Check = ({ files }) =>
  files
    .filter(({ text }) => /\bexport\s+default\b|\bas\s+default\b/.test(blank(text)))
    .map(({ path }) => `${path} has a default export`)

export const namesSayWhatTheyHold: Check = ({ files }) =>
  files
    .filter(({ path }) => path.split('/').some((part) => vagueNames.test(part.replace(/\..*$/, ''))))
    .map(({ path }) => `${path}: name it for what it holds`)

/** Each cycle once, as the files along it. */
export const importsHaveNoCycles: Check = ({ files }) => {
  const known = new Map(files.map((file) => [file.path, file]))
  return cyclesAmong(known.keys(), (path) => {
    const file = known.get(path)
    return file ? relativeTargetsOf(file).filter((target) => known.has(target)) : []
  })
}

/**
 * Folders that are one thing in several: what a tenant, its apps and its keys are set to, and what is compiled of that.
 * docs/architecture.md says what of each the others need.
 */
export const knitFolders: readonly string[] = ['apps', 'federation', 'keys', 'tenants']

/** Of two folders directly below src that import each other, neither can be read, or moved, without the other. */
export const foldersHaveNoCycles: Check = ({ files }) => folderCycles(files, knitFolders)

/** A folder without which the others of the knot have no cycle either needs no exemption. */
export const knitFoldersAreNeeded: Check = ({ files }) =>
  knitFolders
    .filter((one) => {
      const others = knitFolders.filter((folder) => folder !== one)
      return folderCycles(files, others).length === 0
    })
    .map((folder) => `${serverSource}${folder} is in no cycle, and needs no place in knitFolders`)

function folderCycles(files: readonly SourceFile[], knit: readonly string[]): string[] {
  const knot = knit.map((folder) => `${serverSource}${folder}`)
  const folderOf = (path: string): string | null => {
    const folder = /^packages\/[^/]+\/src\/[^/]+(?=\/)/.exec(path)?.[0] ?? null
    return folder !== null && knot.includes(folder) ? knot.join(', ') : folder
  }
  const neighbours = new Map<string, Set<string>>()
  for (const file of files) {
    const from = folderOf(file.path)
    for (const to of relativeTargetsOf(file).map(folderOf))
      if (from && to && from !== to) neighbours.set(from, (neighbours.get(from) ?? new Set()).add(to))
  }
  return cyclesAmong(neighbours.keys(), (folder) => [...(neighbours.get(folder) ?? [])])
}

const relativeTargetsOf = (file: SourceFile) =>
  importsOf(file.text).flatMap(({ specifier }) => (isRelative(specifier) ? [targetOf(file, specifier)] : []))

function cyclesAmong(nodes: Iterable<string>, nextOf: (node: string) => readonly string[]): string[] {
  const finished = new Set<string>()
  const cycles: string[] = []
  const visit = (node: string, trail: readonly string[]): void => {
    const start = trail.indexOf(node)
    if (start >= 0) {
      cycles.push(`cycle: ${[...trail.slice(start), node].join(' → ')}`)
      return
    }
    if (finished.has(node)) return
    for (const next of nextOf(node)) visit(next, [...trail, node])
    finished.add(node)
  }
  for (const node of nodes) visit(node, [])
  return cycles
}
