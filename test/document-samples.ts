/** The code that documents and docstrings show, as files of a program that has our packages installed. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { root, textOf } from './document-commands.ts'

const compiler = join(root, 'node_modules/typescript/bin/tsc')

/** Samples of docstrings stand behind a star on each line, those of members indented; a fragment imports nothing. */
export const docstringSamples = (pattern: string): string[] =>
  globSync(pattern, { cwd: root })
    .flatMap((file) => [...textOf(file).matchAll(/^ *\* ```ts\n([\s\S]*?)^ *\* ```$/gm)])
    .map(([, text = '']) => text.replaceAll(/^ *\* ?/gm, ''))

/** The server has its own address here. */
const atHome = (text: string): string => text.replaceAll('https://auth.example.com', 'https://localhost:8443')

/** Each in a file of its own, in one folder that goes with the test. */
export function writeSamples(t: TestContext, samples: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-samples-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const settings = { extends: join(root, 'tsconfig.json'), compilerOptions: { noUnusedLocals: false } }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...settings, include: ['*.ts'] }))
  return samples.map((text, index) => {
    const file = join(folder, `sample-${index}.ts`)
    writeFileSync(file, atHome(text))
    return file
  })
}

export function assertCompile(t: TestContext, samples: readonly string[]): void {
  const [first = ''] = writeSamples(t, samples)
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', dirname(first)], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout)
}
