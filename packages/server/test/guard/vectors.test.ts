// The vectors of packages/server/test/vectors at the guard's own keys, under both runtimes: what one takes, the other does.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readPublicJwk } from '@sallyport/protocol'
import { systemRuntime } from '../../../guard/src/runtime/system.ts'
import { webRuntime } from '../../../guard/src/runtime/web.ts'
import { type BytesVector, readVectorFile } from '../vectors/wycheproof.ts'

const samples = fileURLToPath(new URL('../vectors/samples/', import.meta.url))

const vectorsOf = (file: string): readonly BytesVector[] =>
  readVectorFile(JSON.parse(readFileSync(samples + file, 'utf8')))?.vectors.flatMap((vector) =>
    vector.kind === 'bytes' ? [vector] : [],
  ) ?? []

/** Signing inputs are ASCII: Web Crypto is handed no message of other bytes. */
const isAscii = ({ message }: BytesVector): boolean => message.every((byte) => byte < 0x80)

for (const [name, runtime] of Object.entries({ 'node:crypto': systemRuntime, 'Web Crypto': webRuntime })) {
  for (const file of readdirSync(samples)) {
    const vectors = vectorsOf(file).filter((vector) => runtime === systemRuntime || isAscii(vector))
    if (vectors.length === 0) continue
    test(`RFC 7518 §3, RFC 8725 §3.4: ${vectors.length} vectors of ${file} with ${name}`, async () => {
      for (const { name: vector, jwk, algorithm, message, signature, result } of vectors) {
        const read = readPublicJwk(jwk)
        if ('problem' in read || algorithm === null || signature === null) continue
        const key = await runtime.importKey(read.jwk)
        const isGood = (await key?.hasSigned(algorithm, message.toString('latin1'), signature)) ?? false
        if (result === 'valid' && key?.algorithms.includes(algorithm)) assert.equal(isGood, true, vector)
        if (result === 'invalid') assert.equal(isGood, false, vector)
      }
    })
  }
}
