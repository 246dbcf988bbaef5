/** No reason that the proof of a client can be refused for is missing in the table of docs/authentication.md. */

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { textOf } from './document-commands.ts'

const server = 'packages/server/src'
const methods = `${server}/oauth/client-auth`

/** Where reasons are made, and what stands before them in the log. */
const sources: readonly (readonly [prefix: string, files: readonly string[]])[] = [
  [
    '',
    [
      ...readdirSync(methods).map((file) => `${methods}/${file}`),
      `${server}/oauth/confirm-sender.ts`,
      `${server}/sender-constraint/dpop.ts`,
      'packages/protocol/src/client-assertion.ts',
      'packages/protocol/src/dpop-proof.ts',
    ],
  ],
  ['rule x: ', [`${server}/federation/match.ts`, `${server}/federation/verify.ts`]],
]

const made =
  /(?:\bfail\(|\brefuse\(\s*'(?:invalid_client|invalid_request|invalid_dpop_proof)',\s*|\breturn \[?|\? \[\] : \[|\.push\(|= |[?:] )(['`])([^'`\n]* [^'`\n]*)\1/g

/** Templates with something in each of their gaps. */
function reasonsIn(file: string): string[] {
  return (
    [...textOf(file).matchAll(made)]
      .map(([, , text = '']) => text.replaceAll(/\$\{[^}]*\}/g, 'x'))
      // A sentence is for the client.
      .filter((text) => !text.endsWith('.'))
  )
}

/** Said elsewhere than at the token endpoint, or of one method beside another of the two that the table has. */
const elsewhere: ReadonlySet<string> = new Set([
  'proof for another token',
  'bound to another key than the one proven',
  'both x and x',
  'malformed x',
  'rule x: x',
])

test('issue 3: each reason that a proof is refused for has its row in docs/authentication.md', () => {
  const rows = [...textOf('docs/authentication.md').matchAll(/^\| \d{3} `\w+` \| `(.+?)` \| /gm)].map(
    ([, reason = '']) => new RegExp(`^${reason.split('…').map(RegExp.escape).join('.+')}$`),
  )
  const reasons = sources.flatMap(([prefix, files]) =>
    files.flatMap(reasonsIn).map((reason) => prefix + reason),
  )
  assert.ok(reasons.length > 50, `${reasons.length} reasons`)
  const missing = reasons.filter((one) => !elsewhere.has(one) && !rows.some((row) => row.test(one)))
  assert.deepEqual([...new Set(missing)], [])
})
