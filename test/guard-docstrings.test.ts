/** Whoever installs the guard reads its docstrings: every export has one, and every value an example that compiles elsewhere. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { textOf } from './document-commands.ts'

const folder = 'packages/guard'
const entries = Object.values(
  (JSON.parse(textOf(`${folder}/package.json`)) as { exports: Record<string, string> }).exports,
)

interface Export {
  readonly name: string
  readonly kind: string
  readonly docstring: string
}

/** Of a file, those that it hands on included. */
function exportsOf(file: string): Export[] {
  const text = textOf(file)
  const own = [...text.matchAll(/^export (const|function|interface|type|class) (\w+)/gm)].map(
    ({ 1: kind = '', 2: name = '', index }) => ({ name, kind, docstring: docstringAt(text, index) }),
  )
  const lists = text.matchAll(/^export (?:type )?\{([^}]*)\} from '(.+)'/gm)
  return [...own, ...[...lists].flatMap(([, list = '', from = '']) => handedOn(file, list, from))]
}

function handedOn(file: string, list: string, from: string): Export[] {
  const names = list.split(',').map((name) => name.replace(/^\s*type /, '').trim())
  return exportsOf(join(file, '..', from)).filter(({ name }) => names.includes(name))
}

function docstringAt(text: string, index: number): string {
  const before = text.slice(0, index)
  return before.endsWith(' */\n') ? before.slice(before.lastIndexOf('/**')) : ''
}

for (const entry of entries) {
  test(`issue 6, 1: ${entry}: every export says what it is for, and every value has an example`, () => {
    const exported = exportsOf(join(folder, entry))
    assert.ok(exported.length > 1, 'they are found')
    for (const { name, kind, docstring } of exported) {
      assert.notEqual(docstring, '', `${name} has no docstring`)
      if (['const', 'function', 'class'].includes(kind))
        assert.match(docstring, new RegExp(`^ \\* import \\{.*\\b${name}\\b.*\\} from '@sallyport/`, 'm'))
    }
  })
}
