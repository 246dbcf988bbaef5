/**
 * `npm run build:packages`: what is published of the libraries, as packages/NAME/dist, ready for `npm publish`. Each source
 * file becomes one of JavaScript and one of types; whoever bundles does so on their own side.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

export const publishedPackages = ['protocol', 'guard', 'client'] as const

type PublishedPackage = (typeof publishedPackages)[number]

interface SourceManifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly exports: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

/** Throws with the compiler's words if the sources ask for more than the oldest runtime has. */
export function buildPackages(folderOf: (name: PublishedPackage) => string): void {
  const compiled = mkdtempSync(join(tmpdir(), 'sallyport-build-'))
  try {
    compile(compiled)
    for (const name of publishedPackages) assemble(name, join(compiled, name, 'src'), folderOf(name))
  } finally {
    rmSync(compiled, { recursive: true, force: true })
  }
}

function compile(outDir: string): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const settings = join(import.meta.dirname, 'published.tsconfig.json')
  const args = [compiler, '-p', settings, '--outDir', outDir]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`The packages do not compile:\n${stdout}${stderr}`)
  for (const file of globSync('**/*.d.ts', { cwd: outDir })) nameDeclarations(join(outDir, file))
}

/** The compiler rewrites imports in JavaScript alone, and older ones than ours do not find types behind `.ts`. */
function nameDeclarations(file: string): void {
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replaceAll(/(\bfrom |\bimport\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2'))
}

function assemble(name: PublishedPackage, compiled: string, folder: string): void {
  const home = join(root, 'packages', name)
  rmSync(folder, { recursive: true, force: true })
  cpSync(compiled, folder, { recursive: true })
  cpSync(join(home, 'README.md'), join(folder, 'README.md'))
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const manifest = publishedManifest(JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

function publishedManifest(source: SourceManifest) {
  const { name, version, description, license, exports, dependencies } = source
  return {
    ...{ name, version, description, license, type: 'module', sideEffects: false },
    engines: { node: '>=20' },
    exports: {
      ...Object.fromEntries(Object.entries(exports).map(([path, file]) => [path, builtFiles(file)])),
      './package.json': './package.json',
    },
    ...(dependencies && { dependencies }),
  }
}

function builtFiles(source: string): { readonly types: string; readonly default: string } {
  const stem = source.replace(/^\.\/src\//, './').replace(/\.ts$/, '')
  return { types: `${stem}.d.ts`, default: `${stem}.js` }
}

if (import.meta.main) {
  buildPackages((name) => join(root, 'packages', name, 'dist'))
  for (const name of publishedPackages) console.log(`packages/${name}/dist`)
}
