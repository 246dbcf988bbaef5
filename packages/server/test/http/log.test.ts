/** The log: one JSON object a line, and nothing that is not on the list. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { createLog, type LogFields, type LogOptions, lineFields } from '../../src/http/log.ts'

function keepLines(options: Omit<LogOptions, 'destination' | 'clock'> = {}) {
  let text = ''
  const destination = {
    write(line: string) {
      text += line
    },
  }
  const log = createLog({ clock: () => Date.parse('2026-11-20T12:00:00.123Z'), ...options, destination })
  const read = () => ({
    text,
    lines: text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  })
  return { log, read }
}

const tokenLine = {
  requestId: 'id-1',
  tenant: 'nitrobox',
  clientId: 'client-1',
  credentialId: 'main',
  api: 'rest',
  milliseconds: 0.61239,
  isReused: false,
}

test('operations: a line is one JSON object with level, time, fields and message', () => {
  const { log, read } = keepLines()
  log.warn('token refused', {
    request_id: 'id-1',
    tenant: 'nitrobox',
    code: 'invalid_client',
    reason: 'no such client',
  })
  assert.deepEqual(read().lines, [
    {
      level: 'warn',
      time: '2026-11-20T12:00:00.123Z',
      request_id: 'id-1',
      tenant: 'nitrobox',
      code: 'invalid_client',
      reason: 'no such client',
      msg: 'token refused',
    },
  ])
})

test('operations: the hand-made token line is JSON of the same form, whatever the ids hold', () => {
  const { log, read } = keepLines()
  log.tokenIssued(tokenLine)
  log.tokenIssued({ ...tokenLine, clientId: 'odd"\\\n\u2028é' })
  log.tokenIssued({ ...tokenLine, reason: 'no "scope"' })
  const [plain, odd, reasoned] = read().lines
  assert.deepEqual(plain, {
    level: 'info',
    time: '2026-11-20T12:00:00.123Z',
    request_id: 'id-1',
    tenant: 'nitrobox',
    client_id: 'client-1',
    credential_id: 'main',
    api: 'rest',
    milliseconds: 0.612,
    reused: false,
    msg: 'token issued',
  })
  assert.equal(odd.client_id, 'odd"\\\n\u2028é')
  assert.equal(reasoned.reason, 'no "scope"')
})

const everyField: Required<LogFields> = {
  ...{ request_id: 'id-1', tenant: 'nitrobox', client_id: 'client-1', credential_id: 'main' },
  ...{ organization: 'globex', api: 'rest', kid: 'key-1', token_id: 'jti-1', client_address: '192.0.2.1' },
  ...{ status: 400, code: 'invalid_client', reason: 'no such client' },
  ...{ operation: 'apps.create', actor: 'operator', number: 7, hash: '00ff', sink: 'syslog' },
  ...{ url: 'https://auth.example.com', port: 8443, file: './data', seconds: 3, worker: 1, pid: 4711 },
}

test('operations: the reference names each field that a line can hold, and no other', () => {
  const { log, read } = keepLines()
  log.info('ready', everyField)
  log.tokenIssued(tokenLine)
  log.failure('id-1', new Error('odd'))
  const [added] = read().lines
  assert.deepEqual(added, { ...added, ...everyField }, 'what callers add is written as it is')
  const written = new Set(read().lines.flatMap((line) => Object.keys(line)))
  assert.deepEqual([...written].toSorted(), Object.keys(lineFields).toSorted())
})

test('operations: success lines can be switched off, and a higher level does the same', () => {
  for (const options of [{ tokenLines: false }, { level: 'warn' }] as const) {
    const { log, read } = keepLines(options)
    log.tokenIssued(tokenLine)
    assert.equal(read().text, '')
  }
})

test('trust R23: a field that is not on the list is not written, whatever the caller hands over', () => {
  const { log, read } = keepLines()
  const careless = {
    tenant: 'a',
    authorization: 'Basic c2VjcmV0',
    query: 'secret=x',
    body: 'y',
    headers: { a: 'b' },
  }
  log.info('careless', careless as LogFields)
  assert.deepEqual(Object.keys(read().lines[0]), ['level', 'time', 'tenant', 'msg'])
})

// Put together at run time, so that no scanner takes this file for a leak.
const secret = ['sp', 'live', 'q8Zr2xKfW0vN7dYt5LhB1mCg6JpS4aEu9oXi3TnRbVc0Dwz'].join('_')
const token = ['eyJhbGciOiJFUzI1NiJ9', 'eyJzdWIiOiJhIn0', 'c2lnbmF0dXJl'].join('.')

for (const [what, text] of [
  ['one of our secrets', secret],
  ['a registration token', secret.replace('live', 'rat')],
  ['an opaque token', secret.replace('live', 'at')],
  ['an invitation', secret.replace('live', 'invite')],
  ['a JWT', token],
  ['a Basic value', `Basic ${Buffer.from(`client:${secret}`).toString('base64')}`],
  ['a Bearer value', 'bearer 0123456789abcdef'],
] as const) {
  test(`trust R23: ${what} is masked wherever it slips in`, () => {
    const { log, read } = keepLines()
    log.warn('slip', { reason: `could not read ${text}.`, client_id: text })
    log.failure('id-1', new Error(`bad ${text}`, { cause: new Error(text) }))
    const secretPart = text.split(' ').at(-1) ?? ''
    assert.ok(!read().text.includes(secretPart), read().text)
    assert.match(read().text, /could not read \[masked\]/)
  })
}

test('trust R23: errors that quote their input lose their message', () => {
  const { log, read } = keepLines()
  const password = 'hunter2hunter2'
  try {
    JSON.parse(`{"password": ${password}}`)
  } catch (error) {
    log.failure('id-1', error)
    log.failure('id-2', new Error('outer', { cause: error }))
  }
  assert.ok(!read().text.includes('hunter2'))
  assert.match(read().lines[0].reason, /^SyntaxError: \(message withheld\)/)
})

test('trust R22: an unexpected failure is one line with its stack; what is thrown and no Error is only named', () => {
  const { log, read } = keepLines()
  log.failure('id-1', new TypeError('cannot read x'))
  log.failure('id-2', { secret: 'x' })
  const [first, second] = read().lines
  assert.equal(first.level, 'error')
  assert.equal(first.request_id, 'id-1')
  assert.equal(first.reason, 'TypeError: cannot read x')
  assert.match(first.stack, /^at .*log\.test\.ts/)
  assert.equal(second.reason, 'something thrown that is no Error: object')
})

test('RFC 6749 App. A.1: a client id is logged only when it can be one, and never at length', () => {
  const { log, read } = keepLines()
  for (const id of ['good-id', 'x'.repeat(500), 'line\nbreak', 'é']) log.warn('refused', { client_id: id })
  assert.deepEqual(
    read().lines.map(({ client_id }) => client_id),
    ['good-id', 'x'.repeat(64), '[not a client id]', '[not a client id]'],
  )
})

for (const [how, ending] of [
  ['ends by itself', ''],
  ['is told to exit', 'process.exit()'],
  ['dies of an error', 'throw new Error("the end")'],
  ['has said more while it ended', "process.on('exit', () => log.info('line', { number: 1000 }))"],
] as const) {
  test(`operations: buffered lines are all written when the process ${how}`, async () => {
    const source = new URL('../../src/http/log.ts', import.meta.url).href
    const script = `import { createLog } from ${JSON.stringify(source)}
      const log = createLog({ clock: Date.now })
      for (let i = 0; i < 999; i += 1) log.info('line', { number: i })
      log.tokenIssued(${JSON.stringify(tokenLine)})
      ${ending}`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    })
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      lines.slice(0, 999).map(({ number }) => number),
      Array.from({ length: 999 }, (_, index) => index),
    )
    assert.equal(lines[999].msg, 'token issued')
    assert.equal(lines.length, how === 'has said more while it ended' ? 1001 : 1000)
  })
}
