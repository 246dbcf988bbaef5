/** A server in a process of its own whose clock and whose signing keys are moved on by hand. */

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { basic, freePorts } from '../../packages/server/test/cli/processes.ts'
import { restApi } from '../../packages/server/test/oauth/sample.ts'
import type { Setting } from './key-caches/caching-verifier.ts'
import type { Command, Done, Ready } from './rotating-server-process.ts'

export interface RotatingServer {
  readonly setting: Setting
  /** Path of the CA's certificate, which this process trusts. */
  readonly ca: string
  token(): Promise<string>
  /** Takes what is due by then; answers what its clock says. */
  advance(seconds: number): Promise<number>
  rotate(): Promise<void>
  replaceAtOnce(): Promise<void>
  stop(): Promise<void>
}

const program = fileURLToPath(new URL('rotating-server-process.ts', import.meta.url))

export async function startRotatingServer(): Promise<RotatingServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-rotation-'))
  const [port = 0] = await freePorts(1)
  const child = fork(program, [folder, `${port}`], { execArgv: [] })
  const closed = once(child, 'close')
  const failed = closed.then(() => assert.fail('the server has ended'))
  const heard = async <Message>() => (await Promise.race([once(child, 'message'), failed]))[0] as Message
  const { ca, secret } = await heard<Ready>()
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(ca, 'utf8')])
  const order = (command: Command) => {
    child.send(command)
    return heard<Done>()
  }
  const setting = settingAt(`https://localhost:${port}/acme`)
  return {
    ...{ ca, setting },
    token: () => askToken(setting.issuer, secret),
    advance: async (seconds) => (await order({ work: 'advance', seconds })).now,
    rotate: async () => void (await order({ work: 'rotate' })),
    replaceAtOnce: async () => void (await order({ work: 'replace at once' })),
    async stop() {
      failed.catch(() => {})
      child.kill()
      await closed
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const settingAt = (issuer: string): Setting => ({
  ...{ issuer, jwksUri: `${issuer}/oauth2/jwks`, audience: String(restApi.audience), algorithm: 'ES256' },
})

async function askToken(issuer: string, secret: string): Promise<string> {
  const reply = await fetch(`${issuer}/oauth2/token`, {
    method: 'POST',
    headers: { Authorization: basic('sync', secret) },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const text = await reply.text()
  assert.equal(reply.status, 200, text)
  return (JSON.parse(text) as { access_token: string }).access_token
}
