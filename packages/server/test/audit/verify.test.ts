// trust R16: nobody changes a record of the chain unseen, on both databases and in an export.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { headText, parseHead } from '../../src/audit/head-text.ts'
import { readChain } from '../../src/audit/read-chain.ts'
import { type Verdict, verifyChain } from '../../src/audit/verify.ts'
import { auditLine, readAuditLine } from '../../src/audit/written-record.ts'
import {
  type AuditHead,
  type AuditRecord,
  chainStart,
  hashOf,
  readHead,
  readHeadAt,
} from '../../src/store/audit-records.ts'
import { forEachStore } from '../store/each-store.ts'
import { recordsOf, type Spoil, spoils, spoilt, writeRecords } from './chain.ts'

const start: AuditHead = { number: 0, hash: chainStart }

/** Repeats from run to run. */
function createDice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

const verify = (
  records: Iterable<AuditRecord | null> | AsyncIterable<AuditRecord | null>,
  heads: readonly AuditHead[] = [],
  after = start,
): Promise<Verdict> => verifyChain(iterate(records), { after, heads })

async function* iterate<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* items
}

/** The first number that can be wrong: an insertion stands behind the record it copies. */
const firstWrong = ({ name }: Spoil, number: number, last: number): number => {
  if (name === 'append a stranger') return last + 1
  if (name === 'truncate the start') return 1
  return name === 'insert' || name === 'truncate' ? number + 1 : number
}

forEachStore((_engine, store) => {
  test('trust R16: of 10,000 records each edit, deletion, insertion, swap and cut is found, and where', async (t) => {
    const { db } = await store.open(t)
    await writeRecords(db, 10_000)
    const head = await readHead(db)
    const whole = await verify(readChain(db), [head])
    assert.deepEqual(whole, { checked: head.number, head, fault: null })
    const dice = createDice(7)
    for (const spoil of [...spoils, ...spoils]) {
      const number = 2 + dice(head.number - 2)
      const { fault } = await spoilt(db, spoil, number, (tx) => verify(readChain(tx), [head]))
      const found = `${fault?.number} ${spoil.name}`
      assert.equal(found, `${firstWrong(spoil, number, head.number)} ${spoil.name}`, `record ${number}`)
    }
    assert.equal((await verify(readChain(db), [head])).fault, null, 'whole again')
  })

  test('trust R16: a cut and a chain written anew are found by a head kept outside, and by nothing else', async (t) => {
    const { db } = await store.open(t)
    await writeRecords(db, 50)
    const head = await readHead(db)
    const cut = spoils.find(({ isCut }) => isCut)
    assert.ok(cut)
    await spoilt(db, cut, 20, async (tx) => {
      assert.equal((await verify(readChain(tx))).fault, null)
      assert.deepEqual((await verify(readChain(tx), [head])).fault, { number: 21, kind: 'cut_off' })
    })
    const forged = writtenAnew(await recordsOf(db), 30)
    assert.equal((await verify(forged)).fault, null)
    assert.deepEqual((await verify(forged, [head])).fault, { number: head.number, kind: 'not_as_kept' })
    const early = { number: 31, hash: (await recordsOf(db))[30]?.hash ?? chainStart }
    assert.deepEqual((await verify(forged, [head, early])).fault, { number: 31, kind: 'not_as_kept' })
  })

  test('trust R16: verified from a record on, what comes before it is taken as the kept head says', async (t) => {
    const { db } = await store.open(t)
    await writeRecords(db, 50)
    const after = await readHeadAt(db, 20)
    assert.ok(after)
    const { number } = await readHead(db)
    const { checked, fault } = await verify(readChain(db, { after: 20 }), [after], after)
    assert.deepEqual([checked, fault], [number - 20, null])
    const wrong = { number: 20, hash: chainStart }
    const found = await verify(readChain(db, { after: 20 }), [wrong], after)
    assert.deepEqual(found.fault, { number: 20, kind: 'not_as_kept' })
  })

  test('trust R16: an export reads back as the very records that were written', async (t) => {
    const { db } = await store.open(t)
    await writeRecords(db, 50)
    const records = await recordsOf(db)
    const read = records.map(auditLine).map(readAuditLine)
    assert.deepEqual(
      read.map((record) => record && { ...record, hash: Buffer.from(record.hash) }),
      records.map((record) => ({ ...record, hash: Buffer.from(record.hash) })),
    )
  })
})

function writtenAnew(records: readonly AuditRecord[], from: number): AuditRecord[] {
  let before: Uint8Array = chainStart
  return records.map((record) => {
    const told = record.number < from ? record : { ...record, actor: 'app of nobody' }
    before = hashOf(before, told)
    return { ...told, hash: before }
  })
}

/** The chain without a database: one record after the other. */
function chainOf(count: number): AuditRecord[] {
  let before: Uint8Array = chainStart
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1
    const facts = { number, tenantId: null, happenedAt: 1_800_000_000 + number, actor: 'server', action: 'a' }
    const record = {
      ...facts,
      target: `app ${number}`,
      outcome: 'done' as const,
      reason: null,
      requestId: null,
    }
    const whole = { ...record, before: null, after: '{"a":1}' }
    before = hashOf(before, whole)
    return { ...whole, hash: before }
  })
}

test('trust R16: whichever of 10,000 records is changed in an export, by however little, it is found', async () => {
  const records = chainOf(10_000)
  const lines = records.map(auditLine)
  const dice = createDice(11)
  for (const [index, line] of lines.entries()) {
    const at = dice(line.length)
    const other = line[at] === '1' ? '2' : '1'
    const changed = line.slice(0, at) + other + line.slice(at + 1)
    // From the record before on: from the start it would be the same, ten thousand times slower.
    const after = records[index - 1] ?? start
    const { fault } = await verify([readAuditLine(changed)], [], after)
    assert.ok(fault, `${line} as ${changed}`)
  }
})

test('trust R16: lines of an export that are missing, moved, repeated or broken are found, and said to be', async () => {
  const [a, b, c, d] = chainOf(4) as [AuditRecord, AuditRecord, AuditRecord, AuditRecord]
  for (const [records, number, kind] of [
    [[a, c, d], 2, 'missing'],
    [[b, c, d], 1, 'missing'],
    [[a, b, d], 3, 'missing'],
    [[a, c, b, d], 3, 'out_of_order'],
    [[a, b, a, c], 1, 'out_of_order'],
    [[a, b, b, c], 2, 'out_of_order'],
    [[a, null, c], 2, 'unreadable'],
    [[a, { ...b, hash: b.hash.subarray(0, 31) }], 2, 'altered'],
    [[a, { ...c, number: 2 }], 2, 'altered'],
  ] as const)
    assert.deepEqual((await verify(records)).fault, { number, kind })
  assert.deepEqual((await verify([], [a])).fault, { number: 1, kind: 'cut_off' })
})

test('docs/audit.md: a hash is what the page says it is, today as in every release', () => {
  const facts =
    '[7,"acme",1800000000,"app x","updateApp","app y","done",null,"r-1","{\\"name\\":\\"Grüße\\"}",null]'
  const record = {
    ...{ number: 7, tenantId: 'acme', happenedAt: 1_800_000_000, actor: 'app x', action: 'updateApp' },
    ...{ target: 'app y', outcome: 'done' as const, reason: null, requestId: 'r-1' },
    ...{ before: '{"name":"Grüße"}', after: null },
  }
  const before = Buffer.alloc(32, 1)
  const expected = createHash('sha256')
    .update(Buffer.concat([before, Buffer.from(facts)]))
    .digest()
  assert.deepEqual(Buffer.from(hashOf(before, record)), expected)
  assert.equal(expected.toString('hex').slice(0, 8), '4064ef0f')
})

test('trust R16: a head is read as it was printed, and nothing else is one', () => {
  const head = { number: 12, hash: Buffer.alloc(32, 0xab) }
  assert.deepEqual(parseHead(headText(head)), head)
  for (const text of [
    '',
    '12',
    '12:',
    '12:ab',
    `x:${'ab'.repeat(32)}`,
    `12:${'ab'.repeat(32)}0`,
    `-1:${'ab'.repeat(32)}`,
  ])
    assert.equal(parseHead(text), null, text)
})

test('trust R16: what is no record of the written form is not taken for one', () => {
  const [record] = chainOf(1)
  const line = auditLine(record as AuditRecord)
  assert.ok(readAuditLine(line))
  const value = JSON.parse(line)
  const broken = [
    { number: '1' },
    { hash: 'ab' },
    { outcome: 'x' },
    { actor: null },
    { tenant: 1 },
    { reason: {} },
  ]
  for (const change of broken) assert.equal(readAuditLine(JSON.stringify({ ...value, ...change })), null)
  for (const text of ['', '{', 'null', '[]', '1']) assert.equal(readAuditLine(text), null)
})
