// The repository as a newcomer finds it: old Nodes, the lock file, continuous integration, links, and nothing of one
// developer's machine in any file.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { blank, importsOf } from './source-text.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** What the repository holds or is about to hold: git knows what is ignored; an unpacked archive has nothing ignored. */
function projectFiles(): string[] {
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  if (listed.status === 0)
    return listed.stdout.split('\n').filter((path) => path && existsSync(join(root, path)))
  return globSync('**/*', { cwd: root, exclude: (name) => /(^|\/)(node_modules|data|\.git)$/.test(name) })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => statSync(join(root, path)).isFile())
}

/** Syntax and modules newer than Node 12, the first to run an .mjs file at all. */
function newerThanNode12(text: string): string[] {
  const code = blank(text)
  const newer: [string, RegExp][] = [
    ['?? or ??=', /\?\?/],
    ['?.', /\?\.(?!\d)/],
    ['||= or &&=', /\|\|=|&&=/],
    ['#private', /(?<![\w'"])#\w/],
    ['top-level await', /^await\b|^(?:const|let|var)\b[^\n]*=\s*await\b/m],
    ['a class field', /^ {2}(?:static\s+)?\w+\s*=(?!=|>)/m],
    ['1_000', /\d_\d/],
  ]
  const found = newer.filter(([, pattern]) => pattern.test(code)).map(([name]) => name)
  const imported = importsOf(text.replace(/\bimport\(/g, 'lazily(')).map(({ specifier }) => specifier)
  return [...found, ...imported.filter((specifier) => specifier !== './entry.mjs')]
}

const entries = ['scripts/entry.mjs', 'scripts/start.mjs', 'scripts/with-runtime.mjs', 'scripts/test.mjs']

test('set-up: the scripts that npm starts parse on an old Node, which then prints one sentence', () => {
  for (const entry of entries) assert.deepEqual(newerThanNode12(read(entry)), [], entry)
  const old = [
    'a ??= 1',
    'a?.b',
    'a ||= b',
    'await go()',
    "import 'node:fs'",
    'class A {\n  b = 1\n}',
    'class A { #b }',
  ]
  for (const text of old) assert.equal(newerThanNode12(text).length, 1, text)
  const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts
  for (const [name, command] of Object.entries(scripts)) {
    const [, file] = /^node (scripts\/\S+)/.exec(command) ?? []
    if (file) assert.ok(entries.includes(file), `npm run ${name} starts ${file}, which is not checked here`)
  }
})

for (const { file, version, says } of [
  {
    file: 'scripts/start.mjs',
    version: '18.20.8',
    says: 'Sallyport needs Node.js 20 or newer; this is v18.20.8.\n',
  },
  {
    file: 'packages/server/bin/sallyport.mjs',
    version: '20.20.2',
    says: 'Sallyport runs on Node.js 24 or newer; this is v20.20.2. `npm run sallyport -- …` brings one that is.\n',
  },
])
  test(`set-up: on Node ${version} ${file} ends with one clear sentence and exit code 1`, () => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })
      Object.defineProperty(process, 'version', { value: 'v${version}' })
      import(${JSON.stringify(new URL(`../${file}`, import.meta.url).href)})`
    const { status, stderr, stdout } = spawnSync(process.execPath, ['-e', pretend], { encoding: 'utf8' })
    assert.deepEqual([status, stdout, stderr], [1, '', says])
  })

test('set-up: continuous integration runs npm test, and the hooks and it can be executed', () => {
  assert.match(read('.ci/run'), /^exec npm test\b/m)
  if (process.platform === 'win32') return
  for (const file of ['.ci/run', '.githooks/pre-commit'])
    assert.ok(statSync(join(root, file)).mode & 0o111, file)
})

test('set-up: the lock file names no registry, and every package in it has its version and its hash', () => {
  const packages: Record<
    string,
    { resolved?: string; link?: boolean; version?: string; integrity?: string }
  > = JSON.parse(read('package-lock.json')).packages
  for (const [path, entry] of Object.entries(packages)) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue
    if (entry.link) assert.doesNotMatch(entry.resolved ?? '', /:/, path)
    else assert.deepEqual([entry.resolved, !!entry.version, !!entry.integrity], [undefined, true, true], path)
  }
})

test('set-up: the lock file has every platform of a package that comes in one part a platform', () => {
  type Entry = { optionalDependencies?: Record<string, string> }
  const packages: Record<string, Entry> = JSON.parse(read('package-lock.json')).packages
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
    .filter((name) => !packages[`node_modules/${name}`])
  assert.deepEqual(missing, [], '`npm ci` refuses such a lock file')
})

const patternsOfOneMachine = [
  ['a folder of one machine', new RegExp(`(?<![\\w.~-])/${'work'}/|(?<![\\w.~-])/${'root'}/`)],
  [
    'a registry host',
    new RegExp(`\\b${'registry'}\\.[a-z0-9-]+\\.[a-z]{2,}|//[\\w.-]*${'registry'}[\\w-]*[.:/]`),
  ],
] as const

test('set-up: no file holds a path of one machine or the host of a registry', () => {
  const findings = projectFiles().flatMap((path) => {
    const text = read(path)
    return text.includes('\0')
      ? []
      : patternsOfOneMachine.filter(([, pattern]) => pattern.test(text)).map(([name]) => `${path}: ${name}`)
  })
  assert.deepEqual(findings, [])
  const bad = [
    `cd /${'work'}/main`,
    `"/${'root'}/.npm"`,
    `https://${'registry'}.example.org/x`,
    `http://npm-${'registry'}:4873/`,
  ]
  for (const text of bad)
    assert.ok(
      patternsOfOneMachine.some(([, pattern]) => pattern.test(text)),
      text,
    )
})

/** Links of Markdown that point into the repository, code left out. */
function relativeLinks(markdown: string): string[] {
  const prose = markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '')
  const targets = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)|^\[[^\]]+\]:\s*(\S+)/gm)].map(
    ([, inline, named]) => inline ?? named,
  )
  return targets.filter(
    (target) => target !== undefined && !/^([a-z][a-z+.-]*:|#|\/\/)/i.test(target),
  ) as string[]
}

test('set-up: every relative link in the documentation leads somewhere', () => {
  const pages = projectFiles().filter((path) => path.endsWith('.md'))
  const dead = pages.flatMap((page) =>
    relativeLinks(read(page))
      .map((link) => decodeURIComponent(link.replace(/[#?].*$/, '')))
      .filter((link) => !existsSync(join(root, link.startsWith('/') ? link : join(dirname(page), link))))
      .map((link) => `${page}: ${link}`),
  )
  assert.ok(pages.length > 1)
  assert.deepEqual(dead, [])
  assert.deepEqual(
    relativeLinks('[a](b.md#c) `[x](y)` [d](https://e) [f](#g)\n```\n[h](i)\n```\n[j]: k.md'),
    ['b.md#c', 'k.md'],
  )
})
