/** express-oauth2-jwt-bearer in an Express application that listens for real. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import { keyAlgorithms } from '../material.ts'
import { packageVersion } from '../package-version.ts'
import type { Verifier } from '../verifier.ts'

const reportError: ErrorRequestHandler = (
  error: Error & { status?: number; code?: string },
  _,
  reply,
  _next,
) => {
  reply.status(error.status ?? 500).json({ report: `${error.code ?? error.name}: ${error.message}` })
}

async function ask(guard: express.Handler, token: string): Promise<Response> {
  const app = express()
  app.get('/', guard, (request, reply) => void reply.json(request.auth?.payload))
  app.use(reportError)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const reply = await fetch(`http://127.0.0.1:${port}/`, { headers: { Authorization: `Bearer ${token}` } })
    return new Response(await reply.text(), { status: reply.status })
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

export const expressOauth2JwtBearer: Verifier = {
  name: 'express-oauth2-jwt-bearer',
  algorithms: keyAlgorithms,
  refusals: {
    changed: /^Error: 401 invalid_token: signature verification failed$/,
    expired: /^Error: 401 invalid_token: "exp" claim timestamp check failed$/,
    wrongAudience: /^Error: 401 invalid_token: Unexpected 'aud' value$/,
  },
  notes: ['It finds the keys by discovery under `issuerBaseURL`; `strict` holds the tokens to RFC 9068.'],
  version: () => `${packageVersion('express-oauth2-jwt-bearer')} with express ${packageVersion('express')}`,
  async verify(token, { issuer, audience, algorithm }) {
    const guard = auth({ issuerBaseURL: issuer, audience, tokenSigningAlg: algorithm, strict: true })
    const reply = await ask(guard, token)
    const body = (await reply.json()) as Record<string, unknown>
    if (reply.status !== 200) throw new Error(`${reply.status} ${body.report}`)
    return body
  },
}
