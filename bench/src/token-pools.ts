/** The tokens that introspection is asked about: got from a contestant, or signed here where it must not know them yet. */
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemEffects } from '../../packages/server/src/effects.ts'
import { openStore } from '../../packages/server/src/open-store.ts'
import { createDirectory } from '../../packages/server/src/tenants/directory.ts'
import type { CredentialList } from './bulk-apps.ts'
import { tokenClaims } from './claims.ts'
import type { Contestant, DrawnContestant, Ground } from './contestant.ts'
import type { DrawnPlan } from './load-protocol.ts'
import type { PreparedData } from './prepared-data.ts'

/** How many distinct tokens an API asks about again and again. */
const poolTokens = 1_000
/** More than the server remembers (10,000), asked in turn: each is forgotten before its next turn. */
export const forgottenTokens = 12_000

/** RFC 7662 §2.1: an API asks about one token after another, by Basic, through a proxy that ended TLS. */
export function introspectionPlan(path: string, credential: string, tokens: CredentialList): DrawnPlan {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: bench.example',
    `Authorization: Basic ${credential}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${'token='.length + tokens.bytes}`,
    'Accept: application/json',
    'X-Forwarded-Proto: https',
    'X-Forwarded-For: 203.0.113.7',
  ]
  return {
    before: `${head.join('\r\n')}\r\n\r\ntoken=`,
    after: '',
    credentialsFile: tokens.file,
    credentialBytes: tokens.bytes,
    wrongWords: '"active":false',
  }
}

const askedAtOnce = 32

/** Distinct tokens, asked for as the contestant's own plan asks. */
export async function tokensFrom(
  contestant: DrawnContestant,
  ground: Ground,
  count: number = poolTokens,
): Promise<CredentialList> {
  const tokens: string[] = []
  const next = tokenAsker(contestant)
  const askOn = async () => {
    while (tokens.length < count) tokens.push(await next())
  }
  await Promise.all(Array.from({ length: askedAtOnce }, askOn))
  return writeTokens(ground, contestant, tokens.slice(0, count))
}

/** One token a call, of the first app of the contestant's plan. */
export function tokenAsker({ port, plan }: DrawnContestant): () => Promise<string> {
  const [, path = ''] = plan.before.split(' ')
  const credential = firstCredential(plan)
  const body = plan.after.slice(plan.after.lastIndexOf('\r\n') + 2)
  const headers = {
    Authorization: `Basic ${credential}`,
    'Content-Type': 'application/x-www-form-urlencoded',
    'X-Forwarded-Proto': 'https',
  }
  return async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body })
    const reply = (await response.json()) as { readonly access_token?: string }
    if (reply.access_token === undefined) throw new Error(`no token but ${JSON.stringify(reply)}`)
    return reply.access_token
  }
}

/** Of the app that such tokens are issued to. */
export const firstCredential = ({
  credentialsFile,
  credentialBytes,
}: Pick<DrawnPlan, 'credentialsFile' | 'credentialBytes'>): string =>
  readFileSync(credentialsFile, 'latin1').slice(0, credentialBytes)

/** Tokens that the server would issue, signed with its tenant's key behind its back: it has seen none of them. */
export async function tokensOf(data: PreparedData, contestant: Contestant, ground: Ground) {
  const { dataFolder: data_folder, masterKey: master_key } = data
  const { db, sealer } = await openStore({ data_folder, master_key, database_url: null }, systemEffects)
  const directory = createDirectory({ db, sealer, random: systemEffects.random, clientCacheEntries: 1 })
  try {
    const tenant = await directory.tenant('es256')
    if (tenant === null) throw new Error('no tenant es256')
    const { algorithm: alg, kid } = tenant.signer
    const header = base64url({ alg, typ: 'at+jwt', kid })
    const clientId = firstClientId(data)
    const now = systemEffects.clock()
    const tokens: string[] = []
    while (tokens.length < forgottenTokens) {
      const signingInput = `${header}.${base64url(tokenClaims(clientId, randomUUID(), now))}`
      tokens.push(`${signingInput}.${await tenant.signer.sign(signingInput)}`)
    }
    return writeTokens(ground, contestant, tokens)
  } finally {
    directory.close()
    await db.close()
  }
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function firstClientId({ credentials }: PreparedData): string {
  const { file: credentialsFile, bytes: credentialBytes } = credentials.es256
  const pair = Buffer.from(firstCredential({ credentialsFile, credentialBytes }), 'base64').toString()
  return pair.slice(0, pair.indexOf(':'))
}

/** Texts that are asked of whoever answers without reading them. */
export const meaninglessTokens = (ground: Ground, contestant: Contestant, bytes: number): CredentialList =>
  writeTokens(
    ground,
    contestant,
    Array.from({ length: poolTokens }, (_, index) => String(index).padStart(bytes, 'e')),
  )

function writeTokens(ground: Ground, { port }: Contestant, tokens: readonly string[]): CredentialList {
  const bytes = tokens[0]?.length ?? 0
  if (tokens.some(({ length }) => length !== bytes)) throw new Error('tokens of different lengths')
  const file = join(ground.folder, `tokens-${port}`)
  writeFileSync(file, tokens.join(''), { mode: 0o600 })
  return { file, bytes }
}
