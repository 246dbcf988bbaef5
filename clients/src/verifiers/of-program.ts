/** A verifier in another language, which the rotation of keys keeps running, asked about one token. */

import type { CachingVerifier } from '../key-caches/caching-verifier.ts'
import type { Claims, Verifier } from '../verifier.ts'

type Terms = Pick<Verifier, 'algorithms' | 'refusals' | 'notes' | 'version'>

export const ofProgram = (program: CachingVerifier, terms: Terms): Verifier => ({
  ...terms,
  name: program.name,
  whyAbsent: program.whyAbsent,
  async verify(token, { ca, ...setting }) {
    const running = program.start(setting, ca)
    try {
      const { errors } = await running.verify(Math.floor(Date.now() / 1000), [token])
      if (errors[0] !== null) throw new Error(errors[0])
      return claimsOf(token)
    } finally {
      await running.stop()
    }
  },
})

/** The program says no more than that the token is good. */
const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
