/** What `inspect` has found out, for people. Nothing of a token reaches the terminal but as visible characters. */

import type { CutOffReport } from '../inspect/cut-offs.ts'
import type { EndpointReport } from '../inspect/endpoints.ts'
import { instantText } from '../inspect/instant-text.ts'
import type { TokenReport } from '../inspect/token-report.ts'
import { terminalText } from './standard-input.ts'

export const describe = (report: TokenReport, now: number): string =>
  [verdict(report, now), origin(report), opens(report), ...contents(report)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')

function verdict({ isGood, claims, problems, nextSteps, cutOffs }: TokenReport, now: number): string[] {
  if (isGood) return [`Good${lifeLeft(claims, now)}.`]
  return [
    'Not good.',
    ...problems.map((problem) => `  ${clean(problem)}`),
    ...cutOffs.map((cutOff) => `  ${cutOffText(cutOff)}`),
    ...nextSteps.map((step) => `  Next: ${clean(step)}`),
  ]
}

function lifeLeft(claims: TokenReport['claims'], now: number): string {
  return typeof claims?.exp === 'number' ? `, for ${claims.exp - now} more seconds` : ', and it never expires'
}

function cutOffText({ kind, subject, madeBy }: CutOffReport): string {
  const what = clean(`${kind} ${subject}`)
  if (madeBy === null) return `Cut off with ${what}; the audit chain has no record of who did it.`
  const { record, happenedAt, actor, operation, target, requestId } = madeBy
  const request = requestId === null ? '' : `, request ${clean(requestId)}`
  const how = `${clean(operation)} of ${clean(target)}`
  return `Cut off with ${what} at ${instantText(happenedAt)} by ${clean(actor)}: ${how} (audit record ${record}${request}).`
}

function origin({ tenantId, kid, header, app, apiId }: TokenReport): string[] {
  if (tenantId === null) return []
  return [
    kid === null
      ? `An opaque token of tenant ${tenantId}.`
      : `Signed by tenant ${tenantId} with key ${clean(kid)} (${clean(header?.alg)}).`,
    ...(app === null
      ? []
      : [
          `Issued to app ${clean(app.name)} (${app.id}, client id ${clean(app.clientId)}) of organization ${app.organizationId}.`,
        ]),
    ...(apiId === null ? [] : [`For API ${apiId}.`]),
  ]
}

function opens({ isGood, endpoints, apiId }: TokenReport): string[] {
  const [open, closed] = [true, false].map((isOpen) => endpoints.filter((one) => one.isOpen === isOpen))
  const name = ({ method, path, apiId: of }: EndpointReport) =>
    `  ${method} ${clean(path)}${apiId === null ? ` of API ${of}` : ''}`
  return [
    ...titled(isGood ? 'Opens' : 'Would open, if it were good', open?.map(name)),
    ...titled(
      'Does not open',
      closed?.map((one) => `${name(one)}: it lacks ${clean(one.scope)}${whyLacking(one)}`),
    ),
  ]
}

const whyLacking = ({ outsidePlan }: EndpointReport): string =>
  outsidePlan === undefined ? '' : `, which the app is granted and plan ${clean(outsidePlan)} leaves out`

const titled = (title: string, lines: readonly string[] = []): readonly string[] =>
  lines.length === 0 ? [] : [title, ...lines]

const contents = ({ header, claims }: TokenReport): string[][] => [
  header === null ? [] : ['Header', ...membersOf(header)],
  claims === null ? [] : ['Claims', ...membersOf(claims)],
]

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
