// Prints a DPoP proof for one POST request: node dpop-proof.mjs KEY.pem URL [NONCE]. The key is on P-256.
import { createPrivateKey, createPublicKey, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [keyFile, url, nonce] = process.argv.slice(2)
const key = createPrivateKey(readFileSync(keyFile))
const jwk = createPublicKey(key).export({ format: 'jwk' })

const header = { typ: 'dpop+jwt', alg: 'ES256', jwk }
const claims = { jti: randomUUID(), htm: 'POST', htu: url, iat: Math.floor(Date.now() / 1000), nonce }
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const text = `${part(header)}.${part(claims)}`
const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
console.log(`${text}.${signature.toString('base64url')}`)
