/** No setting is a promise that nothing keeps: what the tables of settings name is read by code that is no table. */

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import * as appSettings from '../packages/server/src/apps/settings.ts'
import { settings } from '../packages/server/src/config.ts'
import * as securitySettings from '../packages/server/src/tenants/security-settings.ts'
import * as tenantSettings from '../packages/server/src/tenants/settings.ts'
import { root, textOf } from './document-commands.ts'
import { blank } from './source-text.ts'

const source = 'packages/server/src'
const tables = [
  'config.ts',
  'apps/settings.ts',
  'tenants/security-settings.ts',
  'tenants/settings.ts',
  // The words about each setting, for the documents.
  'blueprint/words.ts',
].map((path) => `${source}/${path}`)

// Some are handed to protocol whole, such as the shape of client ids.
const code = globSync([`${source}/**/*.ts`, 'packages/protocol/src/*.ts'], { cwd: root })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !tables.includes(path))
  .map((path) => blank(textOf(path)))

/** Nothing is decided by them. */
const forPeople = ['price']

/** As a member, or where an object is taken apart. What is only written, or shown in an example, is not read. */
const isRead = (name: string): boolean => {
  const reading = new RegExp(
    `\\.${name}(?![\\w$])|\\{[^{};]*(?<![\\w$.])${name}(?![\\w$])[^{};]*\\}(?:\\s*=(?![=>])|\\s*:|\\)\\s*=>|\\s+of\\b)`,
  )
  return code.some((text) => reading.test(text))
}

function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties = {}, items, anyOf = [] } = schema as Schema
  const members = Object.entries(properties).flatMap(([name, member]) => [name, ...namesIn(member)])
  return [...members, ...[items, ...anyOf].flatMap(namesIn)]
}

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly items?: unknown
  readonly anyOf?: readonly unknown[]
}

test('architecture: every setting of the server is read', () => {
  assert.deepEqual(
    Object.keys(settings).filter((name) => !isRead(name)),
    [],
  )
  assert.equal(isRead('nobody_reads_this'), false)
})

test('architecture: every setting of tenants, APIs, plans, organizations and apps is read, or is for people alone', () => {
  const schemas = [tenantSettings, securitySettings, appSettings].flatMap((module) => Object.values(module))
  const names = new Set(schemas.flatMap(namesIn))
  assert.ok(names.size > 50, 'they are found')
  assert.deepEqual(
    [...names].filter((name) => !isRead(name)),
    forPeople,
  )
})
