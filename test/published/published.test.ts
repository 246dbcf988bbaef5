/**
 * What is published of the libraries, as their users get it: built, packed, installed from the tarballs, and run on every
 * runtime that the registry can bring.
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { publishedPackages } from '../../scripts/build-packages.ts'
import { blocksIn, textOf } from '../document-commands.ts'
import { installOnce, run } from './cached-install.ts'
import { startNext } from './next-application.ts'
import {
  compile,
  createUserProject,
  installedFiles,
  link,
  readInstalled,
  removeProject,
  runAsPrinted,
} from './user-project.ts'
import { writeWorkerd } from './workerd.ts'

const places = { project: '', runtimes: '', next: '' }

before(async () => {
  const [project, runtimes, next] = await Promise.all([
    createUserProject(),
    installOnce('runtimes'),
    installOnce('next'),
  ])
  Object.assign(places, { project, runtimes, next })
  link(project, 'next', join(next, 'node_modules/next'))
  await compile(project, 'web', ['main.ts'], { types: [] })
  await compile(project, 'node', ['servers.ts'], { types: ['node'], lib: ['es2022'] })
})
after(() => removeProject(places.project))

const { arch } = process
const linuxArch = arch === 'arm64' ? 'aarch64' : arch

/** The binary in its package, by the names that their makers have for platforms. */
const brought = {
  'Node.js 20.0': { file: `node-${process.platform}-${arch}/bin/node`, args: [] },
  Bun: { file: `@oven/bun-${process.platform}-${linuxArch}/bin/bun`, args: ['run'] },
  Deno: {
    file: `@deno/${process.platform}-${arch}-glibc/deno`,
    args: [
      'run',
      '--no-prompt',
      '--cached-only',
      '--allow-net',
      '--allow-read',
      '--allow-env',
      '--allow-sys',
    ],
  },
} as const

interface Runtime {
  readonly binary: () => string
  readonly args: readonly string[]
}

const inRuntimes = (file: string): string => join(places.runtimes, 'node_modules', file)

const runtimes: Readonly<Record<string, Runtime>> = {
  'the Node.js of this repository': { binary: () => process.execPath, args: [] },
  ...Object.fromEntries(
    Object.entries(brought).map(([name, { file, args }]) => [name, { binary: () => inRuntimes(file), args }]),
  ),
}

const tried = [
  'no token: 401',
  'a good token: 200 app-1',
  'the key of another: 401 invalid_token',
  'an old token: 401 invalid_token',
  'another scope: 403 insufficient_scope',
  'a proof: 200 app-1',
  'the proof again: 401 invalid_dpop_proof',
  'no proof: 401 invalid_token',
  'revoked: 200 app-1, 401 invalid_token',
  'limits in memory: 200 200 429',
  'limits without their Redis: 200 200 429',
  'Hono: app-1',
  'the client: 200 app-1',
]
const served = ['node:http', 'Express', 'Fastify', 'Hono'].map((name) => `${name}: 401, 200 app-1`)

/** The JSON that a program says in one line, whatever its runtime says around it. */
async function outputOf(binary: string, args: readonly string[]): Promise<unknown> {
  const { code, output } = await run(binary, args, { cwd: places.project })
  assert.equal(code, 0, output)
  return JSON.parse(/^[[{].*[\]}]$/m.exec(output)?.[0] ?? 'null')
}

const absentOn = (binary: string): string | false =>
  spawnSync(binary, ['--version']).status !== 0 && `the registry has none for ${process.platform}-${arch}`

for (const [name, { binary, args }] of Object.entries(runtimes)) {
  test(`published: on ${name}, guard and client do what they do here`, async (t) => {
    const absent = absentOn(binary())
    if (absent) return t.skip(absent)
    assert.deepEqual(await outputOf(binary(), [...args, 'main.js']), tried)
  })

  test(`published: on ${name}, Express, Fastify, Hono and node:http are guarded`, async (t) => {
    const absent = absentOn(binary())
    if (absent) return t.skip(absent)
    assert.deepEqual(await outputOf(binary(), [...args, 'servers.js']), served)
  })
}

for (const [date, hasNode] of [
  ['2025-06-01', false],
  ['2026-11-01', true],
] as const) {
  test(`published: on workerd ${hasNode ? 'as it is now' : "with the Web's APIs and none of Node's"}, guard and client do what they do here`, async (t) => {
    const binary = inRuntimes(
      `@cloudflare/workerd-${process.platform}-${arch === 'x64' ? '64' : arch}/bin/workerd`,
    )
    const absent = absentOn(binary)
    if (absent) return t.skip(absent)
    const configuration = writeWorkerd(places.project, date)
    assert.deepEqual(await outputOf(binary, ['test', configuration]), { hasNode, lines: tried })
  })
}

test('published: a Next.js application guards its route handlers, and they know who calls', async (t) => {
  const types = { module: 'esnext', moduleResolution: 'bundler', types: ['node'], skipLibCheck: true }
  await compile(places.project, 'next', ['next-types.ts'], types)
  const url = `${await startNext(t, places.next, places.project)}/acme/invoices?page=2`
  const refused = await fetch(url)
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer /)
  const token = await (await fetch(url, { method: 'POST' })).text()
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  assert.deepEqual(await answer.json(), { client: 'app-1', organization: 'acme', page: '2' })
})

test('published: the samples of the READMEs compile for who has installed the packages', async () => {
  const samples = ['readme-guard-0.ts', 'readme-guard-1.ts', 'readme-client-0.ts']
  await compile(places.project, 'readme', samples, { types: ['node'], lib: ['es2022'] })
})

test('published: the types of every entry are good for a program with target ES2020', async () => {
  const old = { target: 'es2020', lib: ['es2020'], types: ['node'] }
  await compile(places.project, 'es2020', ['every-entry.ts'], old)
})

for (const [document, installed] of [
  ['docs/guard.md', '@sallyport/guard'],
  ['docs/client-library.md', '@sallyport/client'],
] as const) {
  test(`published: ${document}: packed and installed as it says, ${installed} is there`, async () => {
    const commands = blocksIn(document, 'sh').filter((text) => /^npm (?:run build|install)/.test(text))
    assert.equal(commands.length, 2)
    const project = await runAsPrinted(places.project, commands)
    assert.deepEqual(installedFiles(project, installed), installedFiles(places.project, installed))
  })
}

for (const name of ['guard', 'client'] as const) {
  test(`published: packages/${name}/README.md: what its line packs is what is installed`, async () => {
    const readme = `packages/${name}/README.md`
    const [pack = ''] = blocksIn(readme, 'sh')
    assert.match(pack, /^npm pack .*\n$/)
    const tarballs = textOf(readme).match(/sallyport-[\w.-]+\.tgz/g) ?? []
    const install = `npm install ${tarballs.map((file) => `SALLYPORT/${file}`).join(' ')}`
    const project = await runAsPrinted(places.project, [pack, install])
    const installed = `@sallyport/${name}`
    assert.deepEqual(installedFiles(project, installed), installedFiles(places.project, installed))
  })
}

test('published: each package is public, says on what it runs, and brings nothing but what it needs', () => {
  const needed = { protocol: [], guard: ['@sallyport/protocol'], client: ['oauth4webapi'] }
  for (const name of publishedPackages) {
    const manifest = JSON.parse(readInstalled(places.project, `@sallyport/${name}`, 'package.json'))
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}), needed[name], name)
    assert.deepEqual(
      [manifest.private, manifest.license, manifest.sideEffects, manifest.engines],
      [undefined, 'Apache-2.0', false, { node: '>=20' }],
    )
    for (const entry of Object.values<string | Record<string, string>>(manifest.exports))
      for (const file of typeof entry === 'string' ? [entry] : Object.values(entry))
        readInstalled(places.project, `@sallyport/${name}`, file)
    const files = installedFiles(places.project, `@sallyport/${name}`)
    assert.ok(files.includes('README.md'), name)
    assert.deepEqual(
      files.filter((file) => !/(?:\.js|\.d\.ts|^README\.md|^package\.json)$/.test(file)),
      [],
      name,
    )
  }
})

test('published: nothing is imported from Node at run time', () => {
  for (const name of publishedPackages)
    for (const file of installedFiles(places.project, `@sallyport/${name}`).filter((one) =>
      one.endsWith('.js'),
    ))
      assert.doesNotMatch(
        readInstalled(places.project, `@sallyport/${name}`, file),
        /^(?:import|export|\}).*['"]node:|^[^*]*\bimport\(\s*['"]node:/m,
        file,
      )
})
