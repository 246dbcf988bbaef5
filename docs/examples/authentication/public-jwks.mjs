// Prints the key set to publish: node public-jwks.mjs KID=KEY.pem [KID=KEY.pem …]. Only public halves are in it.
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'

const keys = process.argv.slice(2).map((argument) => {
  const [kid, file] = argument.split('=')
  return { ...createPublicKey(readFileSync(file)).export({ format: 'jwk' }), kid, use: 'sig' }
})
console.log(JSON.stringify({ keys }, null, 2))
