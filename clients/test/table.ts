// docs/clients.md says what the tests before this one have found; UPDATE_DOCS=1 writes it.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderPage, withoutMachineVersions } from '../src/table.ts'
import { findings } from './setting.ts'

const page = new URL('../../docs/clients.md', import.meta.url)

test('clients: docs/clients.md says what this suite finds', () => {
  const written = existsSync(page) ? readFileSync(page, 'utf8') : ''
  const found = renderPage(findings, written)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, found)
  else {
    assert.equal(
      withoutMachineVersions(written),
      withoutMachineVersions(found),
      'UPDATE_DOCS=1 writes what is true into the page',
    )
  }
})
