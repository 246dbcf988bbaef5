// Prints a client assertion, good for one minute and one request.
//   node client-assertion.mjs CLIENT_ID ISSUER KEY.pem [KID]    private_key_jwt
//   CLIENT_SECRET=… node client-assertion.mjs CLIENT_ID ISSUER  client_secret_jwt
import { constants, createHmac, createPrivateKey, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [clientId, issuer, keyFile, kid] = process.argv.slice(2)
const key = keyFile === undefined ? null : createPrivateKey(readFileSync(keyFile))

const signers = {
  ec: { alg: 'ES256', sign: (data) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }) },
  ed25519: { alg: 'EdDSA', sign: (data) => sign(null, data, key) },
  rsa: {
    alg: 'PS256',
    sign: (data) => sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  },
  secret: {
    alg: 'HS256',
    sign: (data) => createHmac('sha256', process.env.CLIENT_SECRET).update(data).digest(),
  },
}
const signer = signers[key?.asymmetricKeyType ?? 'secret']

const now = Math.floor(Date.now() / 1000)
const header = { alg: signer.alg, typ: 'client-authentication+jwt', kid }
const claims = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), iat: now, exp: now + 60 }
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const text = `${part(header)}.${part(claims)}`
console.log(`${text}.${signer.sign(Buffer.from(text)).toString('base64url')}`)
