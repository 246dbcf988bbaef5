// The Node that runs our TypeScript, and our TypeScript run on it.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './child.mjs'
import { Refusal } from './entry.mjs'
import { ensureInstalled } from './install.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const oldestRuntime = 24

/** Installs if need be, runs a file of this project on the bundled Node, and ends with its exit code. */
export async function runFile(file, args) {
  if (!file) throw new Refusal('Usage: node scripts/with-runtime.mjs FILE [arguments…]')
  await ensureInstalled(root)
  process.exitCode = (await run(findNode(), [join(root, file), ...args], { stdio: 'inherit' })).code
}

/** The Node that came with the packages; else the one running this, when it is recent enough. */
export function findNode() {
  const node = bundledNode()
  if (node) return node
  if (Number(process.versions.node.split('.')[0]) >= oldestRuntime) return process.execPath
  throw new Refusal(
    `Sallyport runs on Node.js ${oldestRuntime} or newer, and the packages brought none that works on ` +
      `${process.platform}-${process.arch}: remove node_modules and try again, or install Node.js ${oldestRuntime}.`,
  )
}

function bundledNode() {
  for (const name of Object.keys(readJson('package.json')?.optionalDependencies ?? {})) {
    const binary = binaryOf(name, 'node')
    // It may have been built for another C library than this machine's, so it is asked before it is believed.
    if (binary && spawnSync(binary, ['--version'], { stdio: 'ignore' }).status === 0) return binary
  }
  return undefined
}

/** The file behind a command of an installed package, or undefined if the package is not there. */
export function binaryOf(packageName, command) {
  const bin = readJson('node_modules', packageName, 'package.json')?.bin
  const file = typeof bin === 'string' ? bin : bin?.[command]
  return file && join(root, 'node_modules', packageName, file)
}

function readJson(...path) {
  const file = join(root, ...path)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
