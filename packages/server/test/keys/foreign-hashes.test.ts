// product.md decision 5: hashes that others have made are read, bounded and compared; the vectors are others' too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foreignFormats, readForeignHash } from '../../src/keys/imported/formats.ts'
import { type HashFault, isFault } from '../../src/keys/imported/hash.ts'
import { createSlowHashes } from '../../src/keys/imported/turn.ts'

const battery = 'correct horse battery staple'
const salt = 'MDEyMzQ1Njc4OWFiY2RlZg'
const digest32 = 'KhW5KLACpfR1HRqSPdg8ODHC9nzhpv0EHEqfwm5GJX4'

/** Format, what it is, the hash, and the secret. Python's hashlib made those without another origin. */
const vectors: readonly (readonly [string, string, string, string])[] = [
  ['sha256', 'SHA-256', 'sha256:xLvLH77JnWW_WdhcjLYu4tuWPw_hBvSD2a-nO9Tjmoo', battery],
  [
    'sha512',
    'SHA-512',
    'sha512:vl73Z52Iq5qQRfYmflX15XhLS4zXZLXNhVpSRPkcYmlTzUbEPXZohz_W7707IhJJMVWAAxljRyoHh4H-BG5irg',
    battery,
  ],
  [
    'salted-sha2',
    'salt before the secret',
    '$sha256$c2FsdHNhbHQ$aZ4N5oselDwyADki43QLITxClFbGqE5bl4xrqQmWRH4',
    battery,
  ],
  [
    'salted-sha2',
    'salt behind the secret',
    '{SSHA512}UweAzUpvjvE5jz6nWBj9q0BiWPv/iScwpbX/yGA6X/AMM4Vz4l5BHV0nnau4mHhhKbbncQtK3bqI9cz8WqqeP3NhbHRzYWx0',
    battery,
  ],
  // Openwall's test vectors.
  ['bcrypt', '$2a$', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  ['bcrypt', '$2b$', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  ['bcrypt', '$2y$', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK', 'U*U*'],
  [
    'pbkdf2',
    'Django, SHA-256',
    'pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=',
    battery,
  ],
  [
    'pbkdf2',
    'Django, SHA-512',
    'pbkdf2_sha512$1000$seasalt$jWXPByTp9f8LiYihsQ0KCsxvT4E+VwKzo2kPET/kO6xN+98njZwsGTVcuE5pJ7+CnEhEWyYcAf4OK7gd6gVBGA==',
    battery,
  ],
  // The example in passlib's documentation.
  [
    'pbkdf2',
    'passlib',
    '$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdAw$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M',
    'password',
  ],
  [
    'pbkdf2',
    'PHC, SHA-512',
    '$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$5bTW2oeyDJyGJPcmEr+mRDE11ghpozWrDGnSNhRXo2ZCu0KHRDiUMAVEGzLJC+oDhRoeIja9J1iLIv9ptDJMfQ',
    battery,
  ],
  ['scrypt', 'PHC', `$scrypt$ln=10,r=8,p=2$${salt}$${digest32}`, battery],
  // The reference implementation's test vectors.
  [
    'argon2',
    'argon2id',
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    'password',
  ],
  [
    'argon2',
    'argon2i',
    '$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8',
    'password',
  ],
]

const opened = (text: string) => {
  const read = readForeignHash(text)
  assert.ok(!isFault(read), JSON.stringify(read))
  return { format: read.format, hash: foreignFormats[read.format].open(read.verifier) }
}

for (const [format, what, text, secret] of vectors) {
  test(`product decision 5: ${format}, ${what}: the secret matches its hash, and no other does`, async () => {
    const { format: found, hash } = opened(text)
    assert.equal(found, format)
    assert.equal(await hash.matches(secret), true)
    for (const wrong of [`${secret} `, secret.slice(1), secret.toUpperCase().concat('?'), '', `${secret}\0`])
      assert.equal(await hash.matches(wrong), false, JSON.stringify(wrong))
  })
}

const bcryptHash = (cost: string) => `$2b$${cost}$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW`

/** What is refused, and the words for it. */
const refusals: readonly (readonly [string, string, RegExp])[] = [
  ['a clear secret', battery, /^a hash of an unknown kind \(not shown\) \/ one of sha256:<base64url>, /],
  ['a plain MD5', '5f4dcc3b5aa765d61d8327deb882cf99', /^a hash of an unknown kind/],
  ['half a SHA-512', `sha512:${'A'.repeat(43)}`, /^no whole sha512 digest \/ 86 characters/],
  ['a salted SHA-256 cut short', '$sha256$c2FsdHNhbHQ$aZ4N5oselDwy', /^a salted digest that cannot be read/],
  ['bcrypt of half a day', bcryptHash('20'), /^bcrypt of cost 20 \/ a cost of 4 to 13$/],
  ['bcrypt of no cost', bcryptHash('03'), /^bcrypt of cost 3 /],
  ['a bcrypt with a bug', bcryptHash('05').replace('2b', '2x'), /^a bcrypt hash that cannot be read/],
  [
    'PBKDF2 of many rounds',
    'pbkdf2_sha256$2000001$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=',
    /^PBKDF2 of 2000001 rounds \/ 1 to 2000000 rounds$/,
  ],
  [
    'PBKDF2 of many blocks',
    `$pbkdf2-sha256$2000000$${salt}$${digest32.repeat(2).slice(0, 86)}`,
    /^PBKDF2 of 2000000 rounds \/ 1 to 1000000 rounds$/,
  ],
  ['PBKDF2 of SHA-1', `$pbkdf2$1000$${salt}$${digest32}`, /^a hash of an unknown kind|cannot be read/],
  [
    'scrypt over 128 MiB',
    `$scrypt$ln=17,r=8,p=1$${salt}$${digest32}`,
    /^scrypt over 128 MiB of memory \/ at most 64 MiB$/,
  ],
  [
    'scrypt over and over',
    `$scrypt$ln=16,r=8,p=5$${salt}$${digest32}`,
    /^scrypt with p=5 \/ at most p=4 at this cost$/,
  ],
  ['scrypt of all memory', `$scrypt$ln=30,r=999999999,p=1$${salt}$${digest32}`, /^scrypt over \d+ MiB/],
  [
    'argon2 over 128 MiB',
    `$argon2id$v=19$m=131072,t=1,p=1$${salt}$${digest32}`,
    /^argon2 over 131072 KiB of memory \/ at most m=65536$/,
  ],
  [
    'argon2 over and over',
    `$argon2id$v=19$m=65536,t=9,p=1$${salt}$${digest32}`,
    /^argon2 with t=9 \/ at most t=8 with m=65536$/,
  ],
  [
    'argon2 of before 2016',
    `$argon2id$m=4096,t=2,p=1$${salt}$${digest32}`,
    /^argon2 of version 16 \(v= is missing\)/,
  ],
  ['argon2 of many lanes', `$argon2id$v=19$m=4096,t=2,p=17$${salt}$${digest32}`, /^argon2 with p=17 /],
]

for (const [what, text, words] of refusals) {
  test(`product decision 5: ${what} is refused as a hash, in words that show nothing of it`, () => {
    const fault = readForeignHash(text) as HashFault
    assert.ok(isFault(fault))
    const sentence = `${fault.found} / ${fault.expected}`
    assert.match(sentence, words)
    assert.ok(!sentence.includes(text.slice(-12)))
  })
}

test('product decision 5: a bcrypt hash says nothing of what comes behind 72 bytes, so it is no proof of that', async () => {
  const { hash } = opened(bcryptHash('05'))
  assert.equal(hash.coversWhole('x'.repeat(71)), true)
  assert.equal(hash.coversWhole('x'.repeat(72)), false)
  // To bcrypt the key goes round: this one would be the same.
  assert.equal(await hash.matches('U*U\0U*U'), false)
})

/** A slow hash that is computed for as long as the test likes. */
function createHeld() {
  const open: (() => void)[] = []
  const work = { atOnce: 0, most: 0, done: 0 }
  const hash = {
    isSlow: true,
    coversWhole: () => true,
    async matches() {
      work.most = Math.max(work.most, ++work.atOnce)
      await new Promise<void>((resolve) => open.push(resolve))
      work.atOnce--
      work.done++
      return true
    },
  } as const
  return {
    work,
    hash,
    /** Ends what is being computed, and lets the next begin. */
    async step() {
      await new Promise(setImmediate)
      for (const resolve of open.splice(0)) resolve()
      await new Promise(setImmediate)
    },
  }
}

const never = new AbortController().signal

test('product decision 5: slow hashes are computed two at once, sixteen may wait, and the others are turned away', async () => {
  const { work, hash, step } = createHeld()
  const hashes = createSlowHashes(() => never)
  const ask = (index: number) =>
    hashes.find(`q${index}`, [{ hash }], ['x'], { tenantId: `tenant-${index}`, clientId: 'c' })
  const asked = Array.from({ length: 30 }, (_, index) => ask(index))
  const same = ask(0)
  assert.equal(hashes.isUnderWay('q0'), true)
  while (work.done < 18) await step()
  const found = await Promise.all(asked)
  assert.equal(found.filter((answer) => answer === 'busy').length, 12)
  assert.equal(await same, found[0])
  assert.equal(work.most, 2)
  assert.equal(work.done, 18)
  assert.equal(hashes.isUnderWay('q0'), false)
})

test('trust F9, R19: whoever guesses at a slow hash waits behind itself, and others have their turn', async () => {
  const { work, hash, step } = createHeld()
  const hashes = createSlowHashes(() => never)
  let questions = 0
  const ask = (tenantId: string, clientId: string) =>
    hashes.find(`q${questions++}`, [{ hash }], ['x'], { tenantId, clientId })
  const crowd = ['a', 'b', 'c', 'd', 'e'].flatMap((clientId) =>
    Array.from({ length: 20 }, () => ask('bait', clientId)),
  )
  const neighbour = ask('bait', 'other')
  const victim = ask('acme', 'robot')
  const isDone = (asking: Promise<unknown>) =>
    Promise.race([asking.then(() => true), step().then(() => false)])
  // Two are being computed; the one after them is the other tenant's.
  await step()
  assert.equal(await isDone(victim), true)
  assert.ok(work.done <= 4, String(work.done))
  while (!(await isDone(neighbour))) {}
  assert.notEqual(await neighbour, 'busy')
  assert.ok(work.done <= 8, String(work.done))
  let busy = 0
  const counted = Promise.all(crowd.map(async (each) => (await each) === 'busy' && busy++))
  while (!(await isDone(counted))) {}
  assert.equal(busy, 5 * 10)
})
