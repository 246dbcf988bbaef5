/**
 * `POST /secret-scanning/github`: GitHub tells of secrets that it has found in public, and hears which of them are real
 * (its secret scanning partner program). One place for all tenants, since a report names none.
 */

import { createHash, verify } from 'node:crypto'
import { decodeDocument, jsonReply, type Reply } from '@sallyport/protocol'
import { type Leaked, type LeakReportDeps, reportLeak } from '../apps/leak-reports.ts'
import { ownTokenName } from '../apps/leaked-tokens.ts'
import type { ScannerKeys } from '../keys/scanner-keys.ts'
import { StoreUnavailable } from '../store/database.ts'
import type { HttpRequest } from './exchange.ts'
import type { Log, LogFields } from './log.ts'

export const secretScanningPath = '/secret-scanning/github'

// One report can tell of many secrets; of strangers nothing is read.
const bodyLimitBytes = 1024 * 1024
const mostSecrets = 1_000

export interface SecretScanningDeps extends LeakReportDeps {
  readonly keys: ScannerKeys
  readonly log: Log
}

interface ReportedSecret {
  readonly token: string
  readonly type: string
  readonly url: string | undefined
}

export type AnswerSecretScanning = (request: HttpRequest) => Promise<Reply>

export const createSecretScanning =
  (deps: SecretScanningDeps): AnswerSecretScanning =>
  async (request) => {
    if (request.method !== 'POST') return refusal(405, 'invalid_request', 'Use POST.', { Allow: 'POST' })
    try {
      return await answerReport(request, deps)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      // Its signature was good: who it is that waits is known.
      const { id, clientAddress } = request
      const facts = { request_id: id, client_address: clientAddress, reason: error.message }
      deps.log.warn('secret report not answered', facts)
      return unavailable('The server cannot answer this right now. Try again shortly.')
    }
  }

async function answerReport(request: HttpRequest, deps: SecretScanningDeps): Promise<Reply> {
  const identifier = header(request, 'github-public-key-identifier')
  const signature = header(request, 'github-public-key-signature')
  if (identifier === undefined || signature === undefined) return notSigned
  const key = await deps.keys.find(identifier)
  if (key === 'unavailable')
    return unavailable('The keys to verify this with cannot be had. Try again shortly.')
  if (key === null) return notSigned
  const body = await request.readBody(bodyLimitBytes)
  if (!verify('sha256', body, key, Buffer.from(signature, 'base64'))) return notSigned
  const reported = readReport(body)
  if (reported === null)
    return refusal(400, 'invalid_request', 'The body must be a JSON array of objects with token and type.')
  const real = await realOnes(reported, request, deps)
  return jsonReply(200, reported.map(label(real)))
}

const header = ({ headers }: HttpRequest, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'string' && value !== '' && value.length <= 512 ? value : undefined
}

/** What stands there twice is done once: by the second time a token may be gone. */
async function realOnes(
  reported: readonly ReportedSecret[],
  request: HttpRequest,
  deps: SecretScanningDeps,
): Promise<ReadonlySet<string>> {
  const real = new Set<string>()
  for (const { token, url } of reported) {
    if (real.has(token)) continue
    const leaked = await reportLeak({ secret: token, url }, deps)
    for (const one of leaked) logLeak(one, request, deps.log)
    if (leaked.length > 0) real.add(token)
  }
  return real
}

/** The hash stands for the secret, so that our answer holds none. */
const label =
  (real: ReadonlySet<string>) =>
  ({ token, type }: ReportedSecret) => ({
    token_hash: createHash('sha256').update(token).digest('hex'),
    token_type: type,
    label: real.has(token) ? 'true_positive' : 'false_positive',
  })

const logLeak = (leaked: Leaked, { id }: HttpRequest, log: Log) =>
  log.warn('secret reported', {
    ...{ request_id: id, tenant: leaked.tenantId, ...factsOfLeak(leaked) },
    reason: 'secret scanning',
  })

export function factsOfLeak(leaked: Leaked): LogFields {
  switch (leaked.kind) {
    case 'credential':
      return { client_id: leaked.clientId, credential_id: leaked.credentialId }
    case 'initial':
      return { organization: leaked.organizationId, credential_id: leaked.tokenId }
    case 'registration':
      return { client_id: leaked.clientId, credential_id: ownTokenName }
  }
}

/** Null for what is no report; more than we look at is not one either. */
function readReport(body: Buffer): ReportedSecret[] | null {
  const list = parseJson(body)
  if (!Array.isArray(list) || list.length > mostSecrets) return null
  const read = list.map(readSecret)
  return read.every((one) => one !== null) ? read : null
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(decodeDocument(body) ?? '')
  } catch {
    return null
  }
}

function readSecret(entry: unknown): ReportedSecret | null {
  if (typeof entry !== 'object' || entry === null) return null
  const { token, type, url } = entry as Readonly<Record<string, unknown>>
  if (typeof token !== 'string' || typeof type !== 'string') return null
  return { token, type, url: typeof url === 'string' ? url : undefined }
}

const refusal = (
  status: number,
  error: string,
  description: string,
  headers?: Readonly<Record<string, string>>,
) => jsonReply(status, { error, error_description: description }, headers)

const notSigned = refusal(403, 'access_denied', 'The report must be signed with a key of the scanner.')

const unavailable = (description: string) =>
  refusal(503, 'temporarily_unavailable', description, { 'Retry-After': '60' })
