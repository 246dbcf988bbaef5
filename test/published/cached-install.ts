/** Packages that only the test of what is published needs: installed once by their lock file into a cache folder, with no script of theirs run. */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../document-commands.ts'

const files = ['package.json', 'package-lock.json']
const cache = join(root, 'node_modules/.cache/sallyport-published')

export interface Ended {
  readonly code: number | null
  readonly output: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** A program run to its end; what it says on either stream is its output. */
export const run = (
  program: string,
  args: readonly string[],
  { cwd, env = {} }: RunOptions,
): Promise<Ended> =>
  new Promise((resolve) => {
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: [...stdio] })
    const said: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk))
    child.on('error', (error) => resolve({ code: null, output: String(error) }))
    child.on('close', (code) => resolve({ code, output: String(Buffer.concat(said)) }))
  })

/** The folder with its node_modules. Rejects with npm's words. */
export async function installOnce(name: 'runtimes' | 'next'): Promise<string> {
  const source = join(import.meta.dirname, name)
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(source, file)))
  const folder = join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  // What was half installed is not taken for whole the next time.
  const draft = `${folder}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  try {
    for (const file of files) cpSync(join(source, file), join(draft, file))
    const { code, output } = await run('npm', installing, { cwd: draft })
    if (code !== 0) throw new Error(`${name} could not be installed:\n${output}`)
    if (!existsSync(folder)) renameSync(draft, folder)
    return folder
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

// Not `npm ci`: it wants every platform's package of Next.js in the lock file, also those that a mirror does not have.
const installing = [
  ...['install', '--no-save', '--ignore-scripts', '--prefer-offline', '--omit-lockfile-registry-resolved'],
  ...['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'],
]
