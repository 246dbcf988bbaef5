/**
 * Clients in other languages: the machine's own where it has them, else fetched once into the cache folder of
 * node_modules by the machine's own installer, without touching the machine.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface MachineClient {
  /** What its language needs to find it. */
  readonly environment: Record<string, string>
  readonly version: string
  /** Where it is, if it is a program of its own. */
  readonly program?: string
  /** Why it cannot be run. */
  readonly problem?: string
}

const cache = fileURLToPath(new URL('../../node_modules/.cache/sallyport-clients/', import.meta.url))
const installMilliseconds = 120_000
// The first time on a machine, Go's own library is compiled with it.
const buildMilliseconds = 200_000

interface Ended {
  readonly isGood: boolean
  readonly output: string
}

function attempt(program: string, args: readonly string[], options: object = {}): Ended {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: installMilliseconds,
    ...options,
  })
  return { isGood: status === 0, output: error ? error.message : `${stdout}${stderr}`.trim() }
}

const lastLine = (text: string): string => text.split('\n').at(-1) ?? ''

/** What was half made is not taken for whole the next time. */
function makeOnce(name: string, make: (folder: string) => Ended): { folder: string; ended: Ended } {
  const folder = join(cache, name)
  if (existsSync(folder)) return { folder, ended: { isGood: true, output: '' } }
  const draft = `${folder}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  try {
    const ended = make(draft)
    if (ended.isGood) moveUnlessThere(draft, folder)
    return { folder, ended }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Another test file may have made the same in the meantime. */
function moveUnlessThere(draft: string, folder: string): void {
  try {
    renameSync(draft, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}

function once(find: () => MachineClient): () => MachineClient {
  let found: MachineClient | undefined
  return () => {
    found ??= find()
    return found
  }
}

const absent = (problem: string): MachineClient => ({ environment: {}, version: '', problem })

function foundBy(program: string, args: readonly string[], environment: Record<string, string>) {
  const { isGood, output } = attempt(program, args, { env: { ...process.env, ...environment } })
  return isGood ? { environment, version: output } : absent(`it does not load: ${lastLine(output)}`)
}

const askPython = ['-c', 'import authlib, joserfc, requests; print(authlib.__version__)']
const requirements = fileURLToPath(new URL('../authlib.txt', import.meta.url))

export const authlibPython = once((): MachineClient => {
  const own = attempt('python3', askPython)
  if (own.isGood) return { environment: {}, version: own.output }
  if (!attempt('python3', ['--version']).isGood) return absent('Python is not installed')
  const name = /^Authlib==(\S+)$/m.exec(readFileSync(requirements, 'utf8'))?.[1] ?? 'unknown'
  const { folder, ended } = makeOnce(`authlib-${name}`, (target) =>
    attempt('python3', [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'],
      ...['--only-binary=:all:', '--retries=1', '--timeout=10', '--target', target, '-r', requirements],
    ]),
  )
  if (!ended.isGood) return absent(`Authlib could not be installed: ${lastLine(ended.output)}`)
  return foundBy('python3', askPython, { PYTHONPATH: folder })
})

const askRuby = ['-W0', '-e', 'require "oauth2"; require "oauth2/version"; puts OAuth2::Version']

export const ruby = once((): MachineClient => {
  const own = attempt('ruby', askRuby)
  if (own.isGood) return { environment: {}, version: own.output }
  if (!attempt('ruby', ['--version']).isGood) return absent('Ruby is not installed')
  const { folder, ended } = makeOnce('ruby-oauth2', unpackDebian)
  if (!ended.isGood) return absent(`ruby-oauth2 could not be fetched: ${lastLine(ended.output)}`)
  const gems = join(folder, 'usr/share/rubygems-integration/all/gems')
  const libraries = existsSync(gems) ? readdirSync(gems).map((gem) => join(gems, gem, 'lib')) : []
  const path = [join(folder, 'usr/lib/ruby/vendor_ruby'), ...libraries].join(':')
  return foundBy('ruby', askRuby, { RUBYLIB: path })
})

/** Debian's packages of it and of what it needs in Ruby, unpacked and not installed. */
function unpackDebian(target: string): Ended {
  const listing = attempt('apt-cache', [
    ...['depends', '--recurse', '--no-recommends', '--no-suggests', '--no-conflicts', '--no-breaks'],
    ...['--no-replaces', '--no-enhances', 'ruby-oauth2'],
  ])
  if (!listing.isGood) return listing
  const names = listing.output.split('\n').filter((line) => /^ruby-(?!rubygems$)[a-z0-9-]+$/.test(line))
  const fetched = attempt('apt-get', ['download', ...names], { cwd: target })
  if (!fetched.isGood) return fetched
  const files = readdirSync(target).filter((name) => name.endsWith('.deb'))
  const unpacked = files.map((file) => attempt('dpkg-deb', ['-x', file, '.'], { cwd: target }))
  return unpacked.find(({ isGood }) => !isGood) ?? { isGood: files.length > 0, output: 'no packages' }
}

const goOidcFolder = fileURLToPath(new URL('key-caches/go-oidc/', import.meta.url))
const goEnvironment = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly -buildvcs=false' }
// Compiled in less time, for it runs for seconds.
const goFlags = ['-gcflags=all=-N -l', '-ldflags=-s -w']

/** Built anew when its sources are others. */
export const goOidc = once((): MachineClient => {
  if (!attempt('go', ['version']).isGood) return absent('Go is not installed')
  const sources = ['go.mod', 'go.sum', 'main.go'].map((name) =>
    readFileSync(join(goOidcFolder, name), 'utf8'),
  )
  const version = /go-oidc\/v3 v(\S+)/.exec(sources[0] ?? '')?.[1] ?? 'unknown'
  const digest = createHash('sha256').update(sources.join('\0')).digest('hex').slice(0, 16)
  const { folder, ended } = makeOnce(`go-oidc-${digest}`, (target) =>
    attempt('go', ['build', ...goFlags, '-o', join(target, 'verifier'), '.'], {
      ...{ cwd: goOidcFolder, env: { ...process.env, ...goEnvironment }, timeout: buildMilliseconds },
    }),
  )
  if (!ended.isGood) return absent(`go-oidc could not be built: ${lastLine(ended.output)}`)
  return { environment: {}, version, program: join(folder, 'verifier') }
})
