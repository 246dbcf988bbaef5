// Revocation lists: what they say, and that nothing said is never read as "nothing revoked".
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import {
  followRevocationLists,
  type RevocationLists,
  revocationProblem,
} from '../../src/certificates/revocation-files.ts'
import { parseRevocationList, RevocationListRefused } from '../../src/certificates/revocation-list.ts'
import {
  daySeconds,
  der,
  digitalSignature,
  type Issued,
  issue,
  keyCertSign,
  now,
  revoke,
  revokeMany,
  x509,
} from './issue.ts'

let root: Issued
let good: Issued
let bad: Issued

before(async () => {
  root = await issue(null, { ca: true, name: 'CN=Root,O=Example' })
  good = await issue(root, { serial: '4001' })
  bad = await issue(root, { serial: '00f001' })
})

/** Files in a folder of their own; `put` replaces one as an administrator should, by renaming. */
async function createFiles(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-crl-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'list.crl')
  const put = async (content: string | Buffer, name = 'list.crl') => {
    await writeFile(join(folder, 'new'), content)
    await rename(join(folder, 'new'), join(folder, name))
  }
  return { folder, file, put }
}

async function follow(t: TestContext, files: readonly string[]) {
  const told: string[] = []
  const lists = await followRevocationLists({
    files,
    clock: () => now,
    onBroken: (sentence) => told.push(sentence),
    intervalMilliseconds: 1_000_000,
  })
  t.after(() => lists.stop())
  return { lists, told }
}

const verdict = (lists: RevocationLists, issued: Issued, issuer = root, at = now) => {
  const found = lists.isRevoked(issued.certificate, issuer.certificate, at)
  return 'reason' in found ? found.reason : found.status
}

for (const form of ['pem', 'der'] as const) {
  test(`RFC 5280 §5: a listed certificate is revoked and its neighbour is not (${form})`, async (t) => {
    const { file, put } = await createFiles(t)
    await put((await revoke(root, { serials: [bad.serial, '77'] }))[form])
    const { lists } = await follow(t, [file])
    assert.equal(verdict(lists, bad), 'revoked')
    assert.equal(verdict(lists, good), 'good')
  })
}

test('RFC 5280 §5: a list without entries revokes nothing', async (t) => {
  const { file, put } = await createFiles(t)
  await put((await revoke(root)).pem)
  const { lists } = await follow(t, [file])
  assert.equal(verdict(lists, bad), 'good')
})

test('trust 30: a list that is missing, broken, ended or not complete keeps the server from starting', async (t) => {
  const { folder, file, put } = await createFiles(t)
  const delta = new x509.Extension('2.5.29.27', true, der(2, [1]))
  const part = new x509.Extension('2.5.29.28', false, der(0x30))
  const other = new x509.Extension('1.2.3.4', true, der(5))
  const harmless = new x509.Extension('1.2.3.4', false, der(5))
  const make = async (options: Parameters<typeof revoke>[1]) => (await revoke(root, options)).pem
  for (const [content, reason] of [
    [null, / does not exist\.$/],
    ['', /holds no revocation list/],
    ['nonsense', /holds no revocation list/],
    [root.pem, /holds no revocation list/],
    [root.der, /is no revocation list/],
    [(await make({})).replace('END', 'FIN'), /holds no revocation list/],
    [(await revoke(root)).der.subarray(0, -1), /is no revocation list/],
    [(await make({})) + (await make({ nextUpdateAt: now })), /ended on 2027-01-15/],
    [await make({ nextUpdateAt: now }), /ended on 2027-01-15/],
    [await make({ nextUpdateAt: null }), /does not say when it ends/],
    [await make({ extensions: [delta] }), /holds only changes/],
    [await make({ extensions: [part] }), /covers only a part/],
    [await make({ extensions: [other] }), /not processed/],
    [await make({ serials: ['01'], entryExtensions: [other] }), /not processed/],
  ] as const) {
    await rm(file, { force: true })
    if (content !== null) await put(content)
    await assert.rejects(follow(t, [file]), (error) => {
      assert.ok(error instanceof RevocationListRefused)
      assert.match(error.message, reason)
      assert.ok(error.message.includes(file))
      return true
    })
  }
  await assert.rejects(follow(t, [folder]), /cannot be read \(EISDIR\)/)
  await put(await make({ serials: ['01'], extensions: [harmless], entryExtensions: [harmless] }))
  await follow(t, [file])
})

test('trust 30: what no list in force of the right signer says is unknown, and never good', async (t) => {
  const { folder, file, put } = await createFiles(t)
  const twin = await issue(null, { ca: true, name: 'CN=Root,O=Example' })
  const silent = await issue(null, { ca: true, name: 'CN=Silent', keyUsage: keyCertSign | digitalSignature })
  await put((await revoke(root, { serials: [bad.serial] })).pem)
  await put((await revoke(silent)).pem, 'silent.crl')
  const { lists } = await follow(t, [file, join(folder, 'silent.crl')])
  assert.match(verdict(lists, await issue(twin), twin), /not signed by it/)
  assert.match(verdict(lists, await issue(silent), silent), /not signed by it/)
  const other = await issue(null, { ca: true, name: 'CN=Other' })
  assert.match(verdict(lists, await issue(other), other), /no revocation list of its authority/)
  assert.equal(verdict(lists, good, root, now + daySeconds - 1), 'good')
  assert.match(verdict(lists, good, root, now + daySeconds), /has ended or not begun/)
  assert.match(verdict(lists, good, root, now - daySeconds - 61), /has ended or not begun/)
  // What was revoked once stays so, however old the list is.
  assert.equal(verdict(lists, bad, root, now + 10 * daySeconds), 'revoked')
})

test('trust 30: a list whose file breaks at run time takes its authority with it until it is mended', async (t) => {
  const { file, put } = await createFiles(t)
  const first = (await revoke(root)).pem
  await put(first)
  const { lists, told } = await follow(t, [file])
  for (const [spoil, sentence] of [
    [() => rm(file), /does not exist\. What its authority has issued is refused\./],
    [() => put('nonsense'), /holds no revocation list/],
    [() => put(root.der), /is no revocation list/],
  ] as const) {
    assert.equal(verdict(lists, good), 'good')
    await spoil()
    await lists.check()
    await lists.check()
    assert.match(verdict(lists, good), /cannot be read/)
    assert.equal(told.length, 1)
    assert.match(told.pop() ?? '', sentence)
    await put(first)
    await lists.check()
  }
  assert.equal(verdict(lists, good), 'good')
  const stranger = await issue(null, { ca: true, name: 'CN=Stranger' })
  await put((await revoke(stranger)).pem)
  await lists.check()
  assert.match(verdict(lists, good), /cannot be read/)
})

test('trust 30: half a list found while it was written is read again, even if the file looks the same after', async (t) => {
  const { file, put } = await createFiles(t)
  const { der: list } = await revoke(root)
  await put(list)
  const { lists } = await follow(t, [file])
  const half = Buffer.concat([list.subarray(0, 50), Buffer.alloc(list.length - 50)])
  for (const [content, expected] of [
    [half, /cannot be read/],
    [list, /good/],
  ] as const) {
    await writeFile(file, content)
    await utimes(file, now, now)
    await lists.check()
    assert.match(verdict(lists, good), expected)
  }
})

test('a renewed list is taken at the next look', async (t) => {
  const { file, put } = await createFiles(t)
  await put((await revoke(root)).pem)
  const { lists, told } = await follow(t, [file])
  assert.equal(verdict(lists, bad), 'good')
  await put((await revoke(root, { serials: [bad.serial] })).der)
  await Promise.all([lists.check(), lists.check()])
  assert.equal(verdict(lists, bad), 'revoked')
  assert.deepEqual(told, [])
})

test('RFC 5280 §6.3: every certificate of a path is looked up, and each authority needs its list', async (t) => {
  const { folder, file, put } = await createFiles(t)
  const middle = await issue(root, { ca: true, name: 'CN=Middle' })
  const leaf = await issue(middle)
  const path = [leaf, middle, root].map(({ certificate }) => certificate)
  await put((await revoke(middle)).pem)
  await put((await revoke(root)).pem, 'root.crl')
  const only = await follow(t, [file])
  assert.match(revocationProblem(only.lists, path, now) ?? '', /^certificate 1 above .*: no revocation list/)
  const both = await follow(t, [file, join(folder, 'root.crl')])
  assert.equal(revocationProblem(both.lists, path, now), null)
  await put((await revoke(root, { serials: [middle.serial] })).pem, 'root.crl')
  await both.lists.check()
  assert.equal(
    revocationProblem(both.lists, path, now),
    'certificate 1 above the client certificate is revoked',
  )
  await put((await revoke(middle, { serials: [leaf.serial] })).pem)
  await both.lists.check()
  assert.equal(revocationProblem(both.lists, path, now), 'the client certificate is revoked')
})

test('R22: a list of a hundred thousand is read and searched', async (t) => {
  const { file, put } = await createFiles(t)
  const serials = Array.from({ length: 100_000 }, (_, index) =>
    Buffer.from((0x40000000 + index).toString(16), 'hex'),
  )
  await put(await revokeMany(root, [...serials, Buffer.from(bad.certificate.serial, 'latin1')]))
  const { lists } = await follow(t, [file])
  assert.equal(verdict(lists, bad), 'revoked')
  assert.equal(verdict(lists, good), 'good')
})

test('R22: no bytes make the list reader throw anything but its refusal', async () => {
  const original = (await revoke(root, { serials: ['01', '02'] })).der
  const spoilt = fc
    .array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const bytes = Buffer.from(original)
      for (const [place, byte] of changes) bytes[place] = byte
      return bytes
    })
  const random = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes))
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 5, arbitrary: spoilt }, random), async (bytes) => {
      const list = await parseRevocationList(bytes).catch((error: unknown) => error)
      if (list instanceof Error) assert.ok(list instanceof RevocationListRefused, String(list))
    }),
    { numRuns: 1500 },
  )
})
