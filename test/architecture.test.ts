// Holds the arrow: walks every import of packages/*/src and compares it with the map in architecture-rules.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as rules from './architecture-rules.ts'
import { everyExportIsImported } from './export-rules.ts'
import { repository, sourcesAt } from './repository.ts'
import { blank, importsOf, type SourceFile, untraceableImportsOf } from './source-text.ts'

const server = (path: string, text: string) => ({ path: `packages/server/src/${path}`, text })
const protocol = (path: string, text: string) => ({ path: `packages/protocol/src/${path}`, text })

/** Each rule with sources that break it and sources that stay within it: a rule that cannot fail protects nothing. */
const table: readonly {
  readonly title: string
  readonly check: (repository: rules.Repository) => string[]
  readonly breaks: readonly { readonly path: string; readonly text: string }[]
  readonly keeps: readonly { readonly path: string; readonly text: string }[]
}[] = [
  {
    title: 'packages follow the arrow protocol ← guard ← gateway, and server uses protocol and guard',
    check: rules.packagesFollowTheArrow,
    breaks: [
      protocol('scope.ts', "import type { Guard } from '@sallyport/guard'"),
      { path: 'packages/guard/src/verify.ts', text: "export { x } from '@sallyport/server'" },
      server('main.ts', "await import('../../protocol/src/scope.ts')"),
      { path: 'packages/elsewhere/src/a.ts', text: "import './b.ts'" },
    ],
    keeps: [
      server('main.ts', "import { a } from '@sallyport/protocol'\nimport { b } from './http/routes.ts'"),
      { path: 'packages/gateway/src/main.ts', text: "import { guard } from '@sallyport/guard'" },
    ],
  },
  {
    title: 'every folder of the server has a layer',
    check: rules.everyServerPlaceHasALayer,
    breaks: [server('misc/a.ts', ''), server('misc.ts', '')],
    keeps: [server('oauth/grants/index.ts', ''), server('main.ts', '')],
  },
  {
    title:
      'a layer of the server imports its own row and the rows below, and oauth and management are strangers',
    check: rules.serverLayersPointDown,
    breaks: [
      server('store/apps.ts', "import type { App } from '../apps/app.ts'"),
      server('oauth/grants/index.ts', "import { config } from '../../main.ts'"),
      server('oauth/token.ts', "import { x } from '../management/contract.ts'"),
      server('management/apps.ts', "type X = import('../oauth/token.ts').X"),
      server('keys/sealing.ts', "export * from '../http/routes.ts'"),
    ],
    keeps: [
      server(
        'http/routes.ts',
        "import { token } from '../oauth/token.ts'\nimport { app } from '../management/apps.ts'",
      ),
      server(
        'apps/app.ts',
        "import { tenant } from '../tenants/tenant.ts'\nimport { x } from '../store/apps.ts'",
      ),
      server(
        'oauth/token.ts',
        "// import { x } from '../management/contract.ts'\nconst s = \"from '../management/x.ts'\"",
      ),
    ],
  },
  {
    title: 'only the composition root names a database driver',
    check: rules.onlyTheRootNamesDrivers,
    breaks: [server('http/listener.ts', "import { openSqlite } from '../store/sqlite.ts'")],
    keeps: [server('main.ts', "import { openSqlite } from './store/sqlite.ts'")],
  },
  {
    title: 'a library with one home is named only there',
    check: rules.librariesStayHome,
    breaks: [
      server('oauth/token.ts', "import { sql } from 'kysely'"),
      server('http/a.ts', "import 'node:sqlite'"),
    ],
    keeps: [server('store/apps.ts', "import { sql } from 'kysely'")],
  },
  {
    title: 'protocol takes nothing but types from Node',
    check: rules.protocolIsPure,
    breaks: [protocol('scope.ts', "import { Buffer } from 'node:buffer'")],
    keeps: [
      protocol('scope.ts', "import type { KeyObject } from 'node:crypto'"),
      server('main.ts', "import 'node:fs'"),
    ],
  },
  {
    title: 'clock, randomness and network are arguments outside the composition root',
    check: rules.effectsAreHandedIn,
    breaks: [
      server('oauth/token.ts', 'const now = Date.now()'),
      server('oauth/token.ts', 'const clock = { now: Date.now }'),
      server('oauth/token.ts', 'const now = new Date().getTime()'),
      server('oauth/token.ts', 'const now = new Date'),
      server('keys/sealing.ts', "import { randomBytes } from 'node:crypto'"),
      server('keys/sealing.ts', 'const iv = crypto.getRandomValues(new Uint8Array(12))'),
      server('keys/sealing.ts', 'const id = nodeCrypto.randomUUID()'),
      server('limits/jitter.ts', `const text = \`\${Math.random()}\``),
      server('oauth/client-auth/jwt.ts', 'const keys = await fetch(url)'),
      protocol('time.ts', 'export const now = () => Date.now()'),
    ],
    keeps: [
      server(
        'oauth/token.ts',
        "const at = new Date(seconds * 1000)\n// Date.now() is not for us\nconst s = 'Date.now()'",
      ),
      server('oauth/client-auth/jwt.ts', 'const keys = await deps.fetch(url)'),
      server('keys/sealing.ts', 'export const format = (randomBytes: Uint8Array) => randomBytes.length'),
      server('effects.ts', 'export const systemClock = () => Date.now()'),
    ],
  },
  {
    title: "every library is a dependency in the importing package's own package.json",
    check: rules.importsAreDeclared,
    breaks: [
      protocol('scope.ts', "import { x } from 'jose/jwt/sign'"),
      server('main.ts', "import '@nobody/has/it'"),
    ],
    keeps: [server('main.ts', "import { a } from 'jose/errors'\nimport { readFileSync } from 'node:fs'")],
  },
  {
    title: 'every import can be followed by a reader',
    check: rules.importsAreTraceable,
    breaks: [server('main.ts', 'await import(name)'), server('main.ts', "const fs = require('node:fs')")],
    keeps: [server('main.ts', "await import('./dev/main.ts')")],
  },
  {
    title: 'no default exports',
    check: rules.nothingIsExportedAsDefault,
    breaks: [server('main.ts', 'export default 1'), server('main.ts', 'export { main as default }')],
    keeps: [server('main.ts', "// export default\nexport const main = 'export default'")],
  },
  {
    title: 'no folder or file is named for nothing',
    check: rules.namesSayWhatTheyHold,
    breaks: [server('utils/a.ts', ''), server('oauth/common.ts', ''), server('keys/key-manager.ts', '')],
    keeps: [server('keys/shared-secret.ts', ''), server('oauth/token.ts', '')],
  },
  {
    title: 'no import cycles, types included',
    check: rules.importsHaveNoCycles,
    breaks: [
      server('a.ts', "import { b } from './b.ts'"),
      server('b.ts', "import { c } from './c/c.ts'"),
      server('c/c.ts', "import type { A } from '../a.ts'"),
    ],
    keeps: [
      server('a.ts', "import './b.ts'\nimport './c.ts'"),
      server('b.ts', "import './c.ts'"),
      server('c.ts', ''),
    ],
  },
  {
    title: 'no two folders of a package import each other, roundabout or straight',
    check: rules.foldersHaveNoCycles,
    breaks: [
      server('oauth/a.ts', "import type { B } from '../blueprint/deep/b.ts'"),
      server('blueprint/b.ts', "import '../limits/c.ts'"),
      server('limits/c.ts', "import '../oauth/grants/d.ts'"),
    ],
    keeps: [
      server('oauth/a.ts', "import '../blueprint/b.ts'\nimport './grants/d.ts'"),
      server('oauth/grants/d.ts', "import '../a.ts'\nimport '../../effects.ts'"),
      server('blueprint/b.ts', "import '../limits/c.ts'\nimport '../apps/e.ts'"),
      server('apps/e.ts', "import '../tenants/f.ts'"),
      server('tenants/f.ts', "import '../keys/g.ts'\nimport '../apps/h.ts'"),
    ],
  },
  {
    title:
      'every export is imported by another file, and by more than tests if its own file has no use for it',
    check: everyExportIsImported,
    breaks: [
      server('a.ts', 'const used = 1\nexport const unused = used'),
      server('a.ts', 'export async function unused() {}'),
      server('a.ts', 'export type Unused = string'),
      server('a.ts', 'export interface Recursive {\n  readonly child?: Recursive\n}'),
      server('a.ts', "export type { Handed } from './b.ts'\nexport { handed as on } from './b.ts'"),
      protocol('index.ts', "export { unused } from './scope.ts'"),
    ],
    keeps: [
      server('a.ts', "import { b as c, type B } from './b.ts'\nimport { scope } from '@sallyport/protocol'"),
      server('b.ts', "export const b = 1\nexport interface B {}\nexport { handed } from './c.ts'"),
      server('c.ts', 'export interface Options {}\nexport function handed(options: Options): void {}'),
      server('d.ts', "import * as b from './b.ts'\nb.handed()"),
      protocol('index.ts', "export { scope } from './scope.ts'"),
      protocol('scope.ts', 'export const scope = 1'),
      { path: 'packages/guard/src/index.ts', text: 'export const createGuard = 1' },
    ],
  },
]

/** Whose examples break them only together. */
const cycleRules: readonly rules.Check[] = [rules.importsHaveNoCycles, rules.foldersHaveNoCycles]

for (const { title, check, breaks, keeps } of table) {
  test(`architecture: ${title}`, () => {
    assert.deepEqual(check(repository), [])
  })
  test(`architecture, the rule itself: ${title}`, () => {
    const judge = (files: readonly SourceFile[]) => check({ ...repository, files, outside: [] })
    assert.deepEqual(judge(keeps), [])
    if (cycleRules.includes(check)) assert.equal(judge(breaks).length, 1)
    else for (const file of breaks) assert.equal(judge([file]).length, 1, file.text || file.path)
  })
}

test('architecture: every word in the layers of the server is a folder or a file there', () => {
  assert.deepEqual(rules.everyLayerHasItsPlaces(repository), [])
  const without = repository.files.filter(({ path }) => !path.startsWith('packages/server/src/audit/'))
  assert.equal(rules.everyLayerHasItsPlaces({ ...repository, files: without }).length, 1)
})

test('architecture: a folder is excused from the rule about cycles only while it is in one', () => {
  assert.deepEqual(rules.knitFoldersAreNeeded(repository), [])
  const knit = [
    server('apps/a.ts', "import '../tenants/t.ts'"),
    server('tenants/t.ts', "import '../apps/b.ts'\nimport '../keys/k.ts'\nimport '../federation/f.ts'"),
    server('keys/k.ts', "import '../tenants/u.ts'"),
  ]
  const judge = (federation: string) =>
    rules.knitFoldersAreNeeded({
      ...repository,
      files: [...knit, server('federation/f.ts', federation)],
    })
  assert.deepEqual(judge("import '../keys/l.ts'"), [])
  assert.equal(judge('').length, 1)
})

test('architecture: an example imports what an API installs, and nothing else of ours', () => {
  const judge = (files: readonly SourceFile[]) =>
    rules.examplesImportWhatApisInstall({ ...repository, files })
  const files = sourcesAt('examples/{*,*/*}.ts')
  assert.ok(files.length > 4)
  assert.deepEqual(judge(files), [])
  for (const specifier of ['@sallyport/protocol', '@sallyport/server', '../../packages/guard/src/guard.ts'])
    assert.equal(judge([{ path: 'examples/a/main.ts', text: `import '${specifier}'` }]).length, 1, specifier)
})

test('architecture: an export for tests alone stays only where its own file uses it', () => {
  const judge = (text: string) =>
    everyExportIsImported({
      ...repository,
      files: [server('a.ts', text)],
      outside: [{ path: 'packages/server/test/a.test.ts', text: "import { a } from '../src/a.ts'" }],
    })
  assert.deepEqual(judge('export const a = 1\nregister(a)'), [])
  assert.equal(judge("export const a = 1\nregister('a')").length, 1)
  assert.equal(judge("export { a } from './b.ts'").length, 1)
})

test('architecture: the walk sees the sources', () => {
  assert.ok(repository.files.length > 10)
  const files = new Set(repository.files.map(({ path }) => path))
  assert.ok(files.has('packages/protocol/src/index.ts'))
  assert.ok(repository.files.flatMap(({ text }) => importsOf(text)).length > 10)
})

test('architecture, the reader: imports are found in all their forms, and nowhere else', () => {
  const text = [
    "import a, { type B } from 'one'",
    "import type { C } from 'two'",
    "export * from 'three'",
    "import 'four'",
    "const five = await import('five')",
    "type Six = import('six').Six",
    "export {\n  seven,\n} from\n  'seven'",
    "/* from 'no' */ const quote = /['\"`]/ // import 'no'",
    "const half = size / 2, text = 'it is from \\'no\\'', list = Array.from('no')",
    `const nested = \`a \${\`b \${await import('eight')} from 'no'\`} import 'no'\``,
  ].join('\n')
  assert.deepEqual(
    importsOf(text).map(({ specifier }) => specifier),
    ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'],
  )
  assert.deepEqual(
    importsOf(text)
      .filter(({ typeOnly }) => typeOnly)
      .map(({ specifier }) => specifier),
    ['two'],
  )
  assert.equal(blank(text).length, text.length)
  assert.deepEqual(untraceableImportsOf('import.meta.url; load(`import(x)`)'), [])
})
