/** `sallyport audit`: is the chain of audit records whole, where does it end, and all of it as lines. */

import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { headText, parseHead } from '../audit/head-text.ts'
import { readChain } from '../audit/read-chain.ts'
import { faultSentence, type Verdict, verifyChain } from '../audit/verify.ts'
import { auditLine, readAuditLine } from '../audit/written-record.ts'
import { ConfigRefused } from '../config.ts'
import { type AuditHead, type AuditRecord, chainStart, readHead, readHeadAt } from '../store/audit-records.ts'
import type { Database } from '../store/database.ts'
import { terminalText } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

export function registerAudit(group: Command): void {
  registerVerify(group)
  registerHead(group)
  registerExport(group)
}

interface VerifyOptions extends StoreOptions {
  readonly from?: string
  readonly head?: readonly string[]
  readonly file?: string
}

function registerVerify(group: Command): void {
  const command = group
    .command('verify')
    .description('compute every hash again, and say the first record that is wrong, and how')
    .option('--from <number>', 'begin with this record')
    .option(
      '--head <number:hash>',
      'a head that was kept outside; may be repeated',
      (head, before: readonly string[] = []) => [...before, head],
    )
    .option('--file <file>', 'an export of the whole chain, instead of the database')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nWithout a --head, nobody can see that records were cut off at the end.')
  storeOptions(command).action(async (options: VerifyOptions) => {
    const verdict = await verify(options)
    process.stdout.write(`${options.json ? JSON.stringify(toJson(verdict), null, 2) : textOf(verdict)}\n`)
    if (verdict.fault !== null) process.exitCode = 1
  })
}

function verify(options: VerifyOptions): Promise<Verdict> {
  const heads = (options.head ?? []).map(headOf)
  const from = wholeNumber(options.from ?? '1', '--from')
  if (from === 0) throw new ConfigRefused('--from begins at 1.')
  if (heads.some(({ number }) => number < from - 1))
    throw new ConfigRefused(
      `A --head lies before record ${from - 1}, and is not looked at with --from ${from}.`,
    )
  const { file } = options
  if (file !== undefined) return verifyFile(file, from - 1, heads)
  return withStore(options, ({ db }) => verifyStore(db, from - 1, heads))
}

async function verifyStore(db: Database, after: number, heads: readonly AuditHead[]): Promise<Verdict> {
  const start = await readHeadAt(db, after)
  if (start === null) return { checked: 0, head: startOfChain, fault: { number: after, kind: 'missing' } }
  return verifyChain(readChain(db, { after }), { after: start, heads })
}

async function verifyFile(file: string, after: number, heads: readonly AuditHead[]): Promise<Verdict> {
  const start = after === 0 ? startOfChain : heads.find(({ number }) => number === after)
  if (start === undefined)
    throw new ConfigRefused(`With --file, --from ${after + 1} needs --head ${after}:HASH.`)
  return verifyChain(recordsIn(file), { after: start, heads })
}

const startOfChain: AuditHead = { number: 0, hash: chainStart }

async function* recordsIn(file: string): AsyncGenerator<AuditRecord | null> {
  const input = createReadStream(file)
  try {
    for await (const line of linesOf(input)) if (line !== '') yield readAuditLine(line)
  } finally {
    input.destroy()
  }
}

async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest
}

function headOf(text: string): AuditHead {
  const head = parseHead(text)
  if (head === null) throw new ConfigRefused('A --head is NUMBER:HASH, as `sallyport audit head` prints it.')
  return head
}

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ConfigRefused(`${name} is a whole number.`)
  return Number(text)
}

const toJson = ({ checked, head, fault }: Verdict) => ({
  whole: fault === null,
  records: checked,
  head: headText(head),
  fault: fault && { ...fault, sentence: faultSentence(fault) },
})

const textOf = ({ checked, head, fault }: Verdict): string =>
  fault === null
    ? `The chain is whole: ${checked} records, up to ${headText(head)}.`
    : `${faultSentence(fault)}\n${checked} records before it are as they were written.`

function registerHead(group: Command): void {
  const command = group
    .command('head')
    .description(
      'print the end of the chain, to be kept where nobody who writes to the database can reach it',
    )
    .option('--json', 'print JSON')
  storeOptions(command).action(async (options: StoreOptions) => {
    const head = await withStore(options, ({ db }) => readHead(db))
    const { number } = head
    const json = { number, hash: Buffer.from(head.hash).toString('hex') }
    process.stdout.write(`${options.json ? JSON.stringify(json) : headText(head)}\n`)
  })
}

interface ExportOptions extends StoreOptions {
  readonly tenant?: string
  readonly after?: string
  readonly out?: string
}

function registerExport(group: Command): void {
  const command = group
    .command('export')
    .description('all records as JSON, one a line, oldest first')
    .option('--tenant <id>', 'only those of one tenant; they are no chain by themselves')
    .option('--after <number>', 'only those after this one')
    .option('--out <file>', 'write a new file that only you may read, instead of standard output')
  storeOptions(command).action((options: ExportOptions) =>
    withStore(options, ({ db }) => exportChain(db, options)),
  )
}

async function exportChain(db: Database, { tenant, after = '0', out }: ExportOptions): Promise<void> {
  if (out !== undefined && existsSync(out)) throw new ConfigRefused(`There is a file ${out} already.`)
  const records = readChain(db, { tenantId: tenant, after: wholeNumber(after, '--after') })
  let count = 0
  const lines = Readable.from(linesFor(records, () => (count += 1)))
  if (out === undefined) await pipeline(lines, process.stdout, { end: false })
  else await pipeline(lines, createWriteStream(out, { flags: 'wx', mode: 0o600 }))
  // Whoever goes on after a record may find nothing new; whoever asks for all of a tenant has mistyped it.
  if (count > 0 || tenant === undefined || after !== '0') return
  process.stderr.write(`The chain has no record of tenant ${terminalText(tenant)}.\n`)
  process.exitCode = 1
}

async function* linesFor(records: AsyncIterable<AuditRecord>, onLine: () => void): AsyncGenerator<string> {
  for await (const record of records) {
    onLine()
    yield `${auditLine(record)}\n`
  }
}
