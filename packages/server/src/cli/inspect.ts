/** `sallyport inspect TOKEN`: the report for people, or as JSON. */

import type { Command } from 'commander'
import { systemEffects } from '../effects.ts'
import type { TokenReport } from '../inspect/inspect-token.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

export function registerInspect(program: Command): void {
  const command = program
    .command('inspect [token]')
    .description('say what a token is, whether it is good, and why not (reads standard input without TOKEN)')
    .option('--json', 'print JSON')
  storeOptions(command).action(
    async (token: string | undefined, options: StoreOptions & { readonly json?: boolean }) => {
      const { inspectToken } = await import('../inspect/inspect-token.ts')
      const text = token ?? (await readStandardInput())
      const report = await withStore(options, ({ db, sealer }) =>
        inspectToken(text, { db, sealer, now: systemEffects.clock() }),
      )
      process.stdout.write(
        options.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report, systemEffects.clock()),
      )
      if (!report.isGood) process.exitCode = 1
    },
  )
}

async function readStandardInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}

const instantClaims = new Set(['iat', 'exp', 'nbf', 'auth_time'])

function describe(
  { isGood, problems, header, claims, tenantId, kid, app }: TokenReport,
  now: number,
): string {
  const lines = isGood
    ? [`Good${lifeLeft(claims, now)}.`]
    : ['Not good.', ...problems.map((problem) => `  ${problem}`)]
  if (tenantId !== null) lines.push('', `Signed by tenant ${tenantId} with key ${kid} (${header?.alg}).`)
  if (app)
    lines.push(
      `Issued to app ${app.name} (${app.id}, client id ${app.clientId}) of organization ${app.organizationId}.`,
    )
  if (header) lines.push('', 'Header', ...membersOf(header))
  if (claims) lines.push('', 'Claims', ...membersOf(claims))
  return `${lines.join('\n')}\n`
}

function lifeLeft(claims: TokenReport['claims'], now: number): string {
  return typeof claims?.exp === 'number' ? `, for ${claims.exp - now} more seconds` : ', and it never expires'
}

const membersOf = (object: Readonly<Record<string, unknown>>): string[] => {
  const width = Math.max(...Object.keys(object).map((name) => name.length))
  return Object.entries(object).map(([name, value]) => `  ${name.padEnd(width)}  ${shown(name, value)}`)
}

function shown(name: string, value: unknown): string {
  // Control characters in a stranger's token must not drive the terminal.
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\p{Cc}/gu, '�')
  return instantClaims.has(name) && typeof value === 'number'
    ? `${text}  (${new Date(value * 1000).toISOString()})`
    : text
}
