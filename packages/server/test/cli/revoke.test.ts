/** `sallyport revoke` in a terminal: exactly what was named is cut off, and inspect says so. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { app, blueprint, generated, tenant } from '../oauth/sample.ts'
import { run } from './processes.ts'

let root = ''

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-revoke-'))
  const sync = app('sync', {
    client_id: 'sync',
    credentials: [...generated, { id: 'second', secret: 'generated' }],
  })
  writeFileSync(join(root, 'blueprint.yaml'), blueprint(tenant('acme', [sync])))
  assert.equal((await run(['apply', 'blueprint.yaml'], { cwd: root })).code, 0)
})
after(() => rmSync(root, { recursive: true }))

const revoke = (...args: string[]) => run(['revoke', ...args], { cwd: root })

test('product 4: what is named is cut off, and the answer says what and until when', async () => {
  for (const [args, words] of [
    [['--app', 'sync'], 'of app sync'],
    [['--app', 'sync', '--credential', 'second'], 'got with second of app sync'],
    [['--organization', 'customer'], 'of organization customer'],
    [['--user', 'ada'], 'of user ada'],
    [['--all'], 'of tenant acme'],
  ] as const) {
    const { code, stdout, stderr } = await revoke('--tenant', 'acme', ...args)
    assert.equal(`${code} ${stderr}`, '0 In ./data:\n')
    assert.match(
      stdout,
      new RegExp(`^Every token ${words} issued until \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z is dead\\.\\n$`),
    )
  }
  const { stdout, stderr } = await revoke('--tenant', 'acme', '--app', 'sync', '--json')
  assert.equal(stderr, '', 'whoever reads JSON knows where it is from')
  const { kind, id } = JSON.parse(stdout)
  assert.deepEqual([kind, id], ['app', 'sync'])
})

test('product 4: what does not exist, or is not named at all, cuts off nothing and says the next step', async () => {
  for (const [args, sentence] of [
    [['--tenant', 'nobody', '--all'], /^There is no tenant nobody\.\n$/],
    [['--tenant', 'acme'], /^Name one of --app, --organization, --user or --all/],
    [['--tenant', 'acme', '--all', '--app', 'sync'], /^Name one of/],
    [['--tenant', 'acme', '--all', '--credential', 'main'], /^Name one of/],
    [['--tenant', 'acme', '--app', 'other'], /^Tenant acme has no app other\.\n$/],
    [
      ['--tenant', 'acme', '--app', 'sync', '--credential', 'x'],
      /^App sync has no credential x; it has main, second\.\n$/,
    ],
  ] as const) {
    const { code, stderr } = await revoke(...args)
    assert.equal(code, 2, stderr)
    assert.match(stderr.replace('In ./data:\n', ''), sentence)
  }
})
