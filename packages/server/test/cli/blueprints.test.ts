/** `sallyport export`, `diff` and what `apply` asks before it removes, as people run them: processes and exit codes. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { changed, sample } from '../blueprint/sample.ts'
import { temporaryFolder } from '../store/each-store.ts'
import { commandLine, run } from './processes.ts'

/** A folder with the sample applied, and the command line in it. */
async function shop(t: TestContext) {
  const folder = temporaryFolder(t)
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const sallyport = (...args: string[]) => run(args, { cwd: folder })
  write('shop.yaml', sample)
  assert.equal((await sallyport('apply', 'shop.yaml')).code, 0)
  return { folder, write, sallyport }
}

const withoutApp = sample.slice(0, sample.indexOf('        apps:'))

test('issue 5: export writes a file for its owner alone, which diff finds no difference in', async (t) => {
  const { folder, sallyport } = await shop(t)
  assert.deepEqual(await sallyport('export', 'shop', '--output', 'out.yaml'), {
    ...{ code: 0, stdout: '', stderr: '' },
  })
  const file = join(folder, 'out.yaml')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal((await sallyport('export')).stdout, readFileSync(file, 'utf8'))
  const { code, stdout } = await sallyport('diff', 'out.yaml')
  assert.deepEqual([code, stdout], [0, 'Nothing to do: the store is as the blueprints say.\n'])
  const again = await sallyport('export', '--output', 'out.yaml')
  assert.deepEqual([again.code, again.stderr], [2, 'There is a file out.yaml already.\n'])
})

test('issue 5: export into a folder writes a file for each blueprint, and together they are the store', async (t) => {
  const { folder, write, sallyport } = await shop(t)
  const other = sample.replaceAll('shop', 'depot')
  write('depot.yaml', other)
  assert.equal((await sallyport('apply', 'depot.yaml')).code, 0)
  mkdirSync(join(folder, 'all'))
  assert.deepEqual(await sallyport('export', '--output', 'all'), { code: 0, stdout: '', stderr: '' })
  assert.deepEqual(readdirSync(join(folder, 'all')).toSorted(), ['depot.yaml', 'shop.yaml'])
  const { code, stdout } = await sallyport('diff', 'all/depot.yaml', 'all/shop.yaml')
  assert.deepEqual([code, stdout], [0, 'Nothing to do: the store is as the blueprints say.\n'])
})

test('issue 5: export of a tenant that is not there, and of none, says so', async (t) => {
  const { sallyport } = await shop(t)
  const { code, stdout, stderr } = await sallyport('export', 'shop', 'ship', 'system')
  assert.deepEqual(
    [code, stdout, stderr],
    [2, '', 'There is no tenant "ship".\nThere is no tenant "system".\n'],
  )
  assert.equal((await sallyport('export', '--blueprint', 'No Name')).code, 2)
  assert.match((await sallyport('export', '--blueprint', 'other')).stdout, /^blueprint: other$/m)
  assert.equal((await sallyport('export', '--data', 'elsewhere')).code, 3)
})

test('issue 5: diff shows each value old → new and whole, ends with 1, and changes nothing', async (t) => {
  const { write, sallyport } = await shop(t)
  const long = `https://api.shop.example/${'x'.repeat(100)}`
  const more = changed('token_reuse: false', 'token_reuse: true\n    access_token_seconds: 300')
  write('more.yaml', changed('audience: https://api.shop.example', `audience: ${long}`, more))
  const { code, stdout } = await sallyport('diff', 'more.yaml')
  assert.equal(
    stdout,
    [
      '~ tenant shop',
      '    access_token_seconds: not set → 300',
      '    token_reuse: false → true',
      '~ api shop/rest',
      `    audience: "https://api.shop.example" → "${long}"\n`,
    ].join('\n'),
  )
  assert.equal(code, 1)
  const json = JSON.parse((await sallyport('diff', 'more.yaml', '--json')).stdout)
  assert.deepEqual(json.changes[0].differences, [
    { path: 'access_token_seconds', before: null, after: 300 },
    { path: 'token_reuse', before: false, after: true },
  ])
  assert.equal((await sallyport('diff', 'shop.yaml')).code, 0)
})

test('issue 5: diff says what --prune would remove, and what it leaves is no difference', async (t) => {
  const { write, sallyport } = await shop(t)
  write('fewer.yaml', withoutApp)
  const left = await sallyport('diff', 'fewer.yaml')
  assert.match(left.stdout, /app shop\/acme\/sync is no longer in blueprint shop: --prune removes it/)
  assert.equal(left.code, 0)
  const pruned = await sallyport('diff', 'fewer.yaml', '--prune')
  assert.equal(pruned.stdout, '- app shop/acme/sync\n- credential shop/acme/sync/main (secret)\n')
  assert.equal(pruned.code, 1)
})

test('issue 5: diff of what is refused ends with 2, and without a database it makes none', async (t) => {
  const { folder, write, sallyport } = await shop(t)
  write('broken.yaml', changed('plan: free', 'plan: gold'))
  assert.equal((await sallyport('diff', 'broken.yaml')).code, 2)
  assert.equal((await sallyport('diff', 'shop.yaml', '--data', 'elsewhere')).code, 1)
  assert.equal(existsSync(join(folder, 'elsewhere')), false)
})

const hasScript = spawnSync('script', ['--version']).status === 0

test('issue 5: on a terminal apply --prune shows what goes and asks for the name of the blueprint', {
  skip: !hasScript && 'needs script',
}, async (t) => {
  const { folder, write, sallyport } = await shop(t)
  write('fewer.yaml', withoutApp)
  const command = `'${process.execPath}' '${commandLine}' apply fewer.yaml --prune`
  const answering = (answer: string) =>
    spawnSync('script', ['-qec', command, '/dev/null'], {
      ...{ cwd: folder, env: { PATH: process.env.PATH } },
      ...{ input: `${answer}\n`, encoding: 'utf8', timeout: 30_000 },
    })
  const refused = answering('yes')
  assert.match(
    refused.stdout,
    /- app shop\/acme\/sync[\s\S]*This is shop at \.\/data\. Type the name to go on: /,
  )
  assert.match(refused.stdout, /That is not its name\. Nothing was changed\./)
  assert.equal(refused.status, 2)
  assert.equal((await sallyport('diff', 'fewer.yaml', '--prune')).code, 1)
  assert.equal(answering('shop').status, 0)
  assert.equal((await sallyport('diff', 'fewer.yaml', '--prune')).code, 0)
})

test('issue 5: apply --prune removes nothing without a yes, where there is nobody to ask; --yes is one', async (t) => {
  const { write, sallyport } = await shop(t)
  write('fewer.yaml', withoutApp)
  const refused = await sallyport('apply', 'fewer.yaml', '--prune')
  assert.equal(refused.code, 2)
  assert.match(
    refused.stderr,
    /This cannot be undone: --prune removes app shop\/acme\/sync, credential shop\/acme\/sync\/main\. Say --yes/,
  )
  assert.equal((await sallyport('diff', 'fewer.yaml', '--prune')).code, 1)
  assert.equal((await sallyport('apply', 'fewer.yaml', '--prune', '--dry-run')).code, 0)
  assert.equal((await sallyport('apply', 'fewer.yaml', '--prune', '--yes')).code, 0)
  assert.equal((await sallyport('diff', 'fewer.yaml', '--prune')).code, 0)
  assert.equal((await sallyport('apply', 'fewer.yaml', '--prune')).code, 0, 'nothing goes, nobody is asked')
})
