/** `sallyport inspect TOKEN`: the report for people, or as JSON. */

import type { Command } from 'commander'
import { systemEffects } from '../effects.ts'
import { type InspectDeps, inspectToken, type TokenReport } from '../inspect/inspect-token.ts'
import { instantText } from '../inspect/instant-text.ts'
import { readStandardInput, terminalText } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

export function registerInspect(program: Command): void {
  const command = program
    .command('inspect [token]')
    .description('say what a token is, whether it is good, and why not (reads standard input without TOKEN)')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nEnds with 0 for a good token and with 1 for any other.')
  storeOptions(command).action(async (token: string | undefined, options: StoreOptions) => {
    const text = token ?? (await readStandardInput())
    const now = systemEffects.clock()
    const deps = ({ db, sealer }: Omit<InspectDeps, 'now'>): InspectDeps => ({ db, sealer, now })
    const report = await withStore(options, (store) => inspectToken(text, deps(store)))
    process.stdout.write(
      `${options.json ? visible(JSON.stringify(report, null, 2)) : describe(report, now)}\n`,
    )
    if (!report.isGood) process.exitCode = 1
  })
}

/** In JSON text such characters stand only inside strings, where they may be written as escapes. */
const visible = (json: string): string =>
  json.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\n' ? character : escaped(character),
  )

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('')

export function describe(
  { isGood, problems, header, claims, tenantId, kid, app }: TokenReport,
  now: number,
): string {
  const lines = isGood
    ? [`Good${lifeLeft(claims, now)}.`]
    : ['Not good.', ...problems.map((problem) => `  ${clean(problem)}`)]
  if (tenantId !== null)
    lines.push(
      '',
      kid === null
        ? `An opaque token of tenant ${tenantId}.`
        : `Signed by tenant ${tenantId} with key ${clean(kid)} (${clean(header?.alg)}).`,
    )
  if (app)
    lines.push(
      `Issued to app ${clean(app.name)} (${app.id}, client id ${clean(app.clientId)}) of organization ${app.organizationId}.`,
    )
  if (header) lines.push('', 'Header', ...membersOf(header))
  if (claims) lines.push('', 'Claims', ...membersOf(claims))
  return lines.join('\n')
}

function lifeLeft(claims: TokenReport['claims'], now: number): string {
  return typeof claims?.exp === 'number' ? `, for ${claims.exp - now} more seconds` : ', and it never expires'
}

const clean = (value: unknown): string =>
  terminalText(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

const instantClaims = new Set(['iat', 'exp', 'nbf', 'auth_time'])
const widestName = 24

const membersOf = (object: Readonly<Record<string, unknown>>): string[] => {
  const members = Object.entries(object).map(([name, value]) => [clean(name), shown(name, value)] as const)
  const width = Math.min(widestName, Math.max(0, ...members.map(([name]) => name.length)))
  return members.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}

const shown = (name: string, value: unknown): string =>
  instantClaims.has(name) && typeof value === 'number' ? `${value}  (${instantText(value)})` : clean(value)
