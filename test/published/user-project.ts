/** A project of a user: the packages built, packed and installed as tarballs, and its own files compiled against them. */

import assert from 'node:assert/strict'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPackages, publishedPackages } from '../../scripts/build-packages.ts'
import { blocksIn, root } from '../document-commands.ts'
import { run } from './cached-install.ts'

/** Beside the project are what others brought: frameworks and types, linked and not installed. */
const linked = ['express', 'fastify', 'hono', '@types/express', '@types/node']

export async function createUserProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-published-'))
  buildPackages((name) => join(folder, 'built', name))
  await installTarballs(folder)
  for (const name of linked) link(folder, name, join(root, 'node_modules', name))
  cpSync(join(import.meta.dirname, 'project'), folder, { recursive: true })
  for (const name of publishedPackages.filter((one) => one !== 'protocol'))
    blocksIn(`packages/${name}/README.md`, 'ts').forEach((text, index) => {
      writeFileSync(join(folder, `readme-${name}-${index}.ts`), text)
    })
  return folder
}

/** Without the network: what the packages need beside each other is packed from here as well. */
async function installTarballs(folder: string): Promise<void> {
  const sources = publishedPackages.map((name) => join(folder, 'built', name))
  const all = [...sources, join(root, 'node_modules/oauth4webapi')]
  await npm(folder, ['pack', '--pack-destination', '.', ...all])
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const tarballs = globSync('*.tgz', { cwd: folder }).map((file) => `./${file}`)
  assert.equal(tarballs.length, all.length)
  await npm(folder, ['install', '--offline', ...tarballs])
}

/** The commands of a document, run where Sallyport was built and then in an empty project, which it answers. */
export async function runAsPrinted(
  folder: string,
  [pack = '', install = '']: readonly string[],
): Promise<string> {
  const place = mkdtempSync(join(folder, 'printed-'))
  const [sallyport, project] = [join(place, 'sallyport'), join(place, 'project')]
  for (const name of publishedPackages)
    cpSync(join(folder, 'built', name), join(sallyport, 'packages', name, 'dist'), { recursive: true })
  for (const place of [sallyport, project]) {
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }')
  }
  await inShell(sallyport, pack.replace('npm run build:packages\n', ''))
  // What npm would fetch from the registry.
  for (const file of globSync('oauth4webapi-*.tgz', { cwd: folder }))
    await inShell(project, `npm install ${join(folder, file)}`)
  await inShell(project, install.replaceAll('SALLYPORT', sallyport))
  return project
}

async function inShell(folder: string, command: string): Promise<void> {
  const env = { npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' }
  const { code, output } = await run('sh', ['-ec', command], { cwd: folder, env })
  assert.equal(code, 0, output)
}

async function npm(folder: string, args: readonly string[]): Promise<void> {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { code, output } = await run('npm', [...args, ...quiet], { cwd: folder })
  assert.equal(code, 0, output)
}

export function link(folder: string, name: string, target: string): void {
  const path = join(folder, 'node_modules', name)
  mkdirSync(join(path, '..'), { recursive: true })
  symlinkSync(target, path)
}

/** Every file of a package as it was installed. */
export const installedFiles = (folder: string, name: string): readonly string[] =>
  globSync('**/*', { cwd: join(folder, 'node_modules', name) }).filter((file) => file.includes('.'))

export const readInstalled = (folder: string, name: string, file: string): string =>
  readFileSync(join(folder, 'node_modules', name, file), 'utf8')

const strict = {
  ...{ target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], module: 'nodenext' },
  ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
  ...{ verbatimModuleSyntax: true, skipLibCheck: false, rewriteRelativeImportExtensions: true },
}

/** Rejects with what the compiler complains about. */
export async function compile(folder: string, name: string, files: readonly string[], settings: object) {
  const config = `tsconfig.${name}.json`
  const compilerOptions = { ...strict, rootDir: '.', ...settings }
  writeFileSync(join(folder, config), JSON.stringify({ compilerOptions, files }))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { code, output } = await run(process.execPath, [compiler, '-p', config], { cwd: folder })
  assert.equal(code, 0, output)
}

export const removeProject = (folder: string): void => rmSync(folder, { recursive: true, force: true })
