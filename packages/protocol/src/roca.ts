/** RSA keys of chips that drew their primes from so few that anyone can factor the modulus: CVE-2017-15361, "ROCA". */

import { bytesToInteger } from './base62.ts'

// For most of these primes the powers of 65537 are few among the remainders, and such a modulus leaves one of them each time.
const primes: readonly number[] = [
  ...[3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103],
  ...[107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167],
]

const remainders: readonly (readonly [prime: bigint, powers: ReadonlySet<number>])[] = primes.map((prime) => [
  BigInt(prime),
  powersOf(65_537 % prime, prime),
])

function powersOf(base: number, prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * base) % prime) powers.add(power)
  return powers
}

/** True for the modulus of every such key; of others for one in two hundred million. */
export function isRocaModulus(modulus: Uint8Array): boolean {
  const value = bytesToInteger(modulus)
  return remainders.every(([prime, powers]) => powers.has(Number(value % prime)))
}
