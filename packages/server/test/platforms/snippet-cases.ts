/** The client snippets of the five documents: how each is completed, the smallest repairs, and how its outcome is put in words. */
import { readFileSync } from 'node:fs'
import type { DemoTenant } from '../../src/dev/demo-file.ts'
import type { PlatformName } from './platforms.ts'

type Replacement = readonly [from: string, to: string]

export interface SnippetCase {
  readonly platform: PlatformName
  /** In `snippets/`, as the document prints it. */
  readonly file: string
  readonly title: string
  readonly language: 'curl' | 'ruby' | 'javascript'
  /** What the document leaves to the reader: the URL and the credentials. */
  fill(tenant: DemoTenant, apiUrl: string): readonly Replacement[]
  /** Repairs in groups; the snippet is run again after each group. */
  readonly repairs: readonly (readonly Replacement[])[]
}

const base64 = ({ client_id, client_secret }: DemoTenant): string =>
  Buffer.from(`${client_id}:${client_secret}`).toString('base64')

// Node does not resolve names under localhost, so its snippets use the tenant's path; so does Ruby's.
const oryUrl = 'https://your-project.projects.oryapis.com/oauth2/token'
const fillJavaScript = (tenant: DemoTenant): readonly Replacement[] => [
  [oryUrl, tenant.path_token_url],
  ['the-client-id', tenant.client_id],
  ['the-secret-id', tenant.client_secret],
]

export const snippetCases: readonly SnippetCase[] = [
  {
    platform: 'nanotrust',
    file: '000-curl.txt',
    title: 'curl',
    language: 'curl',
    fill: (tenant) => [
      ["--location ''", `--location '${tenant.token_url}'`],
      ['YOUR_BASE64_ENCODED', base64(tenant)],
    ],
    repairs: [],
  },
  {
    platform: 'nanotrust',
    file: '000-ruby.txt',
    title: 'Ruby',
    language: 'ruby',
    fill: (tenant) => [
      ['URI("")', `URI("${tenant.path_token_url}")`],
      ['YOUR_BASE64_ENCODED', base64(tenant)],
    ],
    repairs: [
      [
        ['https =, url.port)', 'https = Net::HTTP.new(url.host, url.port)'],
        ['request =\n', 'request = Net::HTTP::Post.new(url)\n'],
      ],
      [['grant_type=password&username=YOUR_EMAIL&password=YOUR_PASSWORD', 'grant_type=client_credentials']],
    ],
  },
  {
    platform: 'nxtsoft',
    file: '001-curl.txt',
    title: 'curl',
    language: 'curl',
    fill: (tenant) => [
      ['https://auth.nxtsoft.com/oauth2/token', tenant.token_url],
      ['YOUR_CLIENT_ID', tenant.client_id],
      ['YOUR_CLIENT_SECRET', tenant.client_secret],
    ],
    repairs: [
      [
        ['grant_type= client_credentials', 'grant_type=client_credentials'],
        ['client_id= YOUR_CLIENT_ID', 'client_id=YOUR_CLIENT_ID'],
        ['client_secret= YOUR_CLIENT_SECRET', 'client_secret=YOUR_CLIENT_SECRET'],
      ],
    ],
  },
  {
    platform: 'nitrobox',
    file: '002-curl.txt',
    title: 'curl',
    language: 'curl',
    fill: (tenant) => [
      ['{tenant-short}/oauth2/token', tenant.token_url],
      ['{your base64 encoded client_id:client_secret}', base64(tenant)],
    ],
    repairs: [],
  },
  {
    platform: 'token',
    file: '003-curl.txt',
    title: 'curl',
    language: 'curl',
    fill: (tenant) => [
      ['https://api.token-project.eu/auth/token', tenant.token_url],
      ['APP_KEY', tenant.client_id],
      ['APP_SECRET', tenant.client_secret],
    ],
    repairs: [],
  },
  {
    platform: 'token',
    file: '003-curl-api.txt',
    title: 'curl of an API',
    language: 'curl',
    fill: (_tenant, apiUrl) => [['https://api.token-project.eu', apiUrl]],
    repairs: [[["'authorization: Bearer $BEARER_TOKEN'", '"authorization: Bearer $BEARER_TOKEN"']]],
  },
  {
    platform: 'tokenos',
    file: '004-javascript-basic.txt',
    title: 'JavaScript, Basic',
    language: 'javascript',
    fill: fillJavaScript,
    repairs: [
      [
        ['bas64_encode(', 'btoa('],
        ['url_encode(clientID)', 'encodeURIComponent(clientID)'],
        ['url_encode(clientSecret)', 'encodeURIComponent(clientSecret)'],
      ],
    ],
  },
  {
    platform: 'tokenos',
    file: '004-javascript-body.txt',
    title: 'JavaScript, body',
    language: 'javascript',
    fill: fillJavaScript,
    repairs: [[['qs.set("scope", read)', 'qs.set("scope", "read")']]],
  },
]

export const snippetText = (file: string): string =>
  readFileSync(new URL(`snippets/${file}`, import.meta.url), 'utf8')

export function replaced(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((done, [from, to]) => {
    if (!done.includes(from)) throw new Error(`the snippet has no ${JSON.stringify(from)}`)
    return done.replace(from, to)
  }, text)
}

/** What a run of a snippet came to, in the words of `docs/platforms.md`. */
export function outcomeOf({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  const members = membersIn(stdout)
  if (members.has('access_token')) {
    const [first, ...rest] = [...members.keys()].map((name) => describe(name, members))
    return `a token: ${[first, ...rest].join(', ')}`
  }
  if (members.has('error'))
    return `refused: \`${members.get('error')}\`, "${members.get('error_description')}"`
  if (members.size === 0 && stdout.startsWith('{')) return `what the API answers: \`${stdout}\``
  if (/syntax error|SyntaxError/.test(stderr)) return 'does not parse'
  const thrown = /^(\w+Error: .*)$/m.exec(stderr)
  return thrown ? `fails before it asks: \`${thrown[1]}\`` : `unexpected: ${stdout}${stderr}`
}

const varying = new Set(['access_token', 'created_at'])

const describe = (name: string, members: ReadonlyMap<string, string>): string =>
  varying.has(name) ? `\`${name}\`` : `\`${name}\` ${members.get(name)}`

/** Of the one object in the output: JSON, or as Node prints it. */
function membersIn(stdout: string): ReadonlyMap<string, string> {
  const text = /\{[^{}]*\}/.exec(stdout)?.[0] ?? ''
  const pairs = text.matchAll(/(?:"(\w+)"|\b(\w+)): ?(?:"([^"]*)"|'([^']*)'|(\d+))/g)
  return new Map([...pairs].map(([, a, b, c, d, e]) => [a ?? b ?? '', c ?? d ?? e ?? '']))
}

/** The block of `docs/platforms.md` that says what a snippet does. */
export function describeSnippet({ file, title, repairs }: SnippetCase, outcomes: readonly string[]): string {
  const source = `../packages/server/test/platforms/snippets/${file}`
  const stages = repairs.flatMap((group, index) => [
    ...group.map(([from, to]) => `  - \`${from.trim()}\` becomes \`${to.trim()}\``),
    `- repaired${index === 0 ? '' : ' further'}: ${outcomes[index + 1]}`,
  ])
  return [`**${title}** ([as printed](${source}))`, '', `- as printed: ${outcomes[0]}`, ...stages].join('\n')
}
