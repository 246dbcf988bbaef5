/** Baseline: node:http and one signature over a fresh payload for each request, made the fastest way this Node knows; `signing.ts ES256 [way]`. */
import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { tokenClaims, tokenReply } from '../claims.ts'
import { fastestWay, generatePrivateKey, isAlgorithm, waysToSign } from '../signers.ts'
import { answer, readBody, serve } from './serve.ts'

const [, , algorithm, wanted] = process.argv
if (!isAlgorithm(algorithm)) throw new Error(`unknown algorithm ${algorithm}`)

const ways = waysToSign(algorithm, generatePrivateKey(algorithm))
const way = ways.find(({ name }) => name === wanted) ?? (await fastestWay(ways))
const header = base64url(JSON.stringify({ alg: algorithm, typ: 'at+jwt', kid: 'bench-key-1' }))

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

const listener: RequestListener = (request, response) =>
  readBody(request, () => {
    const claims = tokenClaims('app_bench_000000001', randomUUID(), Math.floor(Date.now() / 1000))
    const signed = `${header}.${base64url(JSON.stringify(claims))}`
    way.sign(Buffer.from(signed, 'latin1'), (signature) =>
      answer(response, tokenReply(`${signed}.${signature.toString('base64url')}`)),
    )
  })
serve(listener, way.name)
