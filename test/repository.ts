/** The sources of the repository and the manifests of its packages, for tests that look at them. */

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Repository } from './architecture-rules.ts'
import type { SourceFile } from './source-text.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

export function sourcesAt(...patterns: string[]): SourceFile[] {
  return globSync(patterns, { cwd: root, exclude: ['**/node_modules'] }).map((found) => {
    const path = found.replaceAll('\\', '/')
    return { path, text: readFileSync(`${root}/${path}`, 'utf8') }
  })
}

function readRepository(): Repository {
  const manifests = globSync('packages/*/package.json', { cwd: root }).map((path) => {
    const manifest = JSON.parse(readFileSync(`${root}/${path}`, 'utf8')) as Record<
      string,
      Record<string, string> | undefined
    >
    const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    const entries = manifest.exports ?? {}
    return [path.replaceAll('\\', '/').split('/')[1] ?? '', { dependencies, entries }] as const
  })
  return {
    files: sourcesAt('packages/*/src/**/*.{ts,tsx}'),
    outside: sourcesAt(
      '{test,examples}/**/*.ts',
      'packages/*/test/**/*.ts',
      '{bench,clients}/{src,test}/**/*.ts',
      'scripts/*.ts',
      'packages/*/bin/*.mjs',
    ),
    manifests: Object.fromEntries(manifests),
  }
}

export const repository = readRepository()
