/** curl: what every document shows first. */

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../../packages/server/test/platforms/dev-instance.ts'
import { type Client, given, type Order } from '../client.ts'
import { tokenEndpoint } from '../token-endpoint.ts'

function proofArguments({ proof, clientId, secret, certificate, folder }: Order): string[] {
  const id = ['--data-urlencode', `client_id=${clientId}`]
  if (certificate) {
    const [cert, key] = [join(folder, 'curl.pem'), join(folder, 'curl.key')]
    writeFileSync(cert, certificate.cert)
    writeFileSync(key, certificate.key)
    return [...id, '--cert', cert, '--key', key]
  }
  if (proof === 'client_secret_basic') return ['--user', `${clientId}:${given(secret, 'secret')}`]
  return [...id, '--data-urlencode', `client_secret=${given(secret, 'secret')}`]
}

export const curl: Client = {
  name: 'curl',
  language: 'shell',
  isPinned: false,
  proofs: ['client_secret_basic', 'client_secret_post', 'tls_client_auth', 'self_signed_tls_client_auth'],
  dpop: false,
  discovery: [],
  refusal: /^Error: 401 invalid_client$/,
  notes: ['`--user` sends id and secret as they are; that is understood.'],
  version: () => /^curl (\S+)/.exec(spawnSync('curl', ['--version']).stdout.toString())?.[1] ?? '',
  whyAbsent: () => (spawnSync('curl', ['--version']).error ? 'curl is not installed' : undefined),
  async token(order) {
    const url = await tokenEndpoint(order)
    const form = ['--data', 'grant_type=client_credentials', '--data', 'scope=read']
    const args = [
      '--silent',
      '--show-error',
      '--write-out',
      '\n%{http_code}',
      ...form,
      ...proofArguments(order),
      url,
    ]
    const { code, stdout, stderr } = await run('curl', args, { ca: order.ca })
    if (code !== 0) throw new Error(stderr)
    const [body = '', status] = stdout.split('\n')
    const answer = JSON.parse(body)
    if (status !== '200') throw new Error(`${status} ${answer.error}`)
    return { accessToken: answer.access_token, tokenType: answer.token_type }
  },
}
