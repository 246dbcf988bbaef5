/** Baseline: node:http, one signature of the client verified and one made, both the fastest way this Node knows; `proving.ts assertion|dpop JWK`. */
import { createPublicKey, randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { tokenClaims, tokenReply } from '../claims.ts'
import { fastestVerification, fastestWay, generatePrivateKey, waysToSign, waysToVerify } from '../signers.ts'
import { answer, readBody, serve } from './serve.ts'

const [, , proof, jwk = ''] = process.argv
const ways = waysToSign('ES256', generatePrivateKey('ES256'))
const signing = await fastestWay(ways)
const verifying = fastestVerification(waysToVerify(createPublicKey({ format: 'jwk', key: JSON.parse(jwk) })))
const header = base64url(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'bench-key-1' }))
const marker = 'client_assertion='

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

function isProven(jws: string): boolean {
  const end = jws.lastIndexOf('.')
  const input = Buffer.from(jws.slice(0, end), 'latin1')
  return verifying.verify(input, Buffer.from(jws.slice(end + 1), 'base64url'))
}

const listener: RequestListener = (request, response) =>
  readBody(request, (body) => {
    const jws =
      proof === 'dpop' ? String(request.headers.dpop) : body.slice(body.indexOf(marker) + marker.length)
    if (!isProven(jws)) {
      response.writeHead(401).end()
      return
    }
    const claims = tokenClaims('app_bench_000000001', randomUUID(), Math.floor(Date.now() / 1000))
    const signed = `${header}.${base64url(JSON.stringify(claims))}`
    signing.sign(Buffer.from(signed, 'latin1'), (signature) =>
      answer(response, tokenReply(`${signed}.${signature.toString('base64url')}`)),
    )
  })
serve(listener, `${signing.name}; ${verifying.name}`)
