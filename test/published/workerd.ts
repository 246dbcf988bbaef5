/**
 * The user's project inside workerd, which has the Web's APIs and none of Node's. It resolves no packages by itself, which
 * bundlers do for its users: here each bare import gets a module that points to the installed file.
 */

import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'

const worker = `
import { createGuard } from '@sallyport/guard'
import { tryOut } from './try-out.js'

// Where workers make what they keep; neither chance nor network is to be had there.
createGuard({ issuer: 'https://auth.example/acme', audience: 'https://api.example' })

export default {
  async test() {
    console.log(JSON.stringify({ hasNode: 'process' in globalThis || 'Buffer' in globalThis, lines: await tryOut() }))
  },
}
`

interface Module {
  readonly name: string
  readonly text: string
}

/** For `workerd test`. What there is besides the Web's APIs follows from the date. */
export function writeWorkerd(folder: string, compatibilityDate: string): string {
  writeFileSync(join(folder, 'worker.js'), worker)
  const packages = globSync('node_modules/{@sallyport/*,oauth4webapi}/**/*.js', { cwd: folder })
  const modules = ['worker.js', 'try-out.js', 'issuer.js', ...packages].map((name) => ({
    name,
    text: readFileSync(join(folder, name), 'utf8'),
  }))
  const pointers = new Map(modules.flatMap((module) => pointersOf(folder, module)))
  const listed = [...modules.map(({ name, text }) => [name, text] as const), ...pointers].map(
    ([name, text]) => `(name = ${JSON.stringify(name)}, esModule = ${JSON.stringify(text)})`,
  )
  const service = `(compatibilityDate = "${compatibilityDate}", modules = [${listed.join(',\n')}])`
  const configuration = `workerd-${compatibilityDate}.capnp`
  writeFileSync(
    join(folder, configuration),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = ${service})]);`,
  )
  return configuration
}

function pointersOf(folder: string, { name, text }: Module): [string, string][] {
  const bare = [...text.matchAll(/^(?:import|export) [\w\s,*{}]*from '([^.'][^']*)'/gm)].map(
    ([, one = '']) => one,
  )
  return bare.map((specifier) => {
    const pointer = posix.join(posix.dirname(name), specifier)
    const target = posix.relative(posix.dirname(pointer), installedFile(folder, specifier))
    return [pointer, `export * from '${target.startsWith('.') ? target : `./${target}`}'`]
  })
}

/** What the package's own `exports` names. */
function installedFile(folder: string, specifier: string): string {
  const [name = ''] = /^(?:@[^/]+\/)?[^/]+/.exec(specifier) ?? []
  const home = posix.join('node_modules', name)
  const { exports } = JSON.parse(readFileSync(join(folder, home, 'package.json'), 'utf8'))
  const entry = exports[`.${specifier.slice(name.length)}`]
  return posix.join(home, typeof entry === 'string' ? entry : entry.default)
}
