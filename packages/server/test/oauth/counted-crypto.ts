// How often the server verifies a signature or reads a key, counted around Node's own functions.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

export interface CryptoWork {
  verify: number
  createPublicKey: number
}

const work: CryptoWork = { verify: 0, createPublicKey: 0 }

function count(name: 'verify' | 'createVerify' | 'createPublicKey', as: keyof CryptoWork): void {
  const real = crypto[name] as (...args: readonly unknown[]) => unknown
  Object.assign(crypto, {
    [name](...args: readonly unknown[]) {
      work[as] += 1
      return real(...args)
    },
  })
}

// Two ways to the same work.
count('verify', 'verify')
count('createVerify', 'verify')
count('createPublicKey', 'createPublicKey')
syncBuiltinESMExports()

/** What `act` has cost. Nothing else may run beside it. */
export async function cryptoWork(act: () => Promise<unknown>): Promise<CryptoWork> {
  const before = { ...work }
  await act()
  return {
    verify: work.verify - before.verify,
    createPublicKey: work.createPublicKey - before.createPublicKey,
  }
}
