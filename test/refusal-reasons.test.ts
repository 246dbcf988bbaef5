/** No reason that the proof of a client can be refused for is missing in the table of docs/authentication.md. */

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { textOf } from './document-commands.ts'

const server = 'packages/server/src'
const methods = `${server}/oauth/client-auth`
const certificates = `${server}/certificates`

/** Where reasons are made, and what stands before them in the log. */
const sources: readonly (readonly [prefix: string, files: readonly string[]])[] = [
  [
    '',
    [
      ...readdirSync(methods).map((file) => `${methods}/${file}`),
      `${server}/oauth/confirm-sender.ts`,
      `${server}/sender-constraint/dpop.ts`,
      `${server}/http/routes.ts`,
      ...readdirSync(certificates).map((file) => `${certificates}/${file}`),
      'packages/protocol/src/client-assertion.ts',
      'packages/protocol/src/dpop-proof.ts',
    ],
  ],
  ['rule x: ', [`${server}/federation/match.ts`, `${server}/federation/verify.ts`]],
]

const made =
  /(?:\b(?:fail|unknown|refuseProof)\(|\brefuse\(\s*'(?:invalid_client|invalid_request|invalid_dpop_proof)',\s*|\breturn \[?|\? \[\] : \[|\.push\(|=>?\s+|[?:] |reason: )(?:'([^'\n]* [^'\n]*)'|`([^`\n]* [^`\n]*)`)/g

/** Templates with something in each of their gaps. */
function reasonsIn(file: string): string[] {
  return (
    [...textOf(file).matchAll(made)]
      .map(([, plain, template]) => (plain ?? template ?? '').replaceAll(/\$\{[^}]*\}/g, 'x'))
      // A sentence is for the client, and less than two words are a separator.
      .filter((text) => !text.endsWith('.') && /\w \w/.test(text))
  )
}

/** Said elsewhere than at the token endpoint, what two of the others are put together by, or an end that cannot be reached. */
const elsewhere: ReadonlySet<string> = new Set([
  'proof for another token',
  'bound to another key than the one proven',
  'rule x: x',
  'x x',
  'the client certificate',
  'certificate x above the client certificate',
  'a path without certificates',
  'does not exist',
  'cannot be read (x)',
])

/** Of a certificate the reason follows its place in the chain. */
const places = ['', 'x ', 'x: ']

test('issue 3: each reason that a proof is refused for has its row in docs/authentication.md', () => {
  const rows = [...textOf('docs/authentication.md').matchAll(/^\| \d{3} `\w+` \| `(.+?)` \| /gm)].map(
    ([, reason = '']) => new RegExp(`^${reason.split('…').map(RegExp.escape).join('.+')}$`),
  )
  const reasons = sources.flatMap(([prefix, files]) =>
    files.flatMap(reasonsIn).map((reason) => prefix + reason),
  )
  assert.ok(reasons.length > 80, `${reasons.length} reasons`)
  const hasRow = (reason: string) => places.some((place) => rows.some((row) => row.test(place + reason)))
  const missing = reasons.filter((one) => !elsewhere.has(one) && !hasRow(one))
  assert.deepEqual([...new Set(missing)], [])
})
