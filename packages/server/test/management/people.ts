// People of the sample's tenants, and calls that many tests of them make.
import assert from 'node:assert/strict'
import type { TestServer } from '../harness.ts'
import type { Answer, Manager } from './managed.ts'

export const acme = '/tenants/acme'
export const customer = `${acme}/organizations/customer`
export const customerApps = `${customer}/apps`

/** The path of an app that the sample declares. */
export const appOf = (server: TestServer, id: string): string =>
  `${acme}/apps/${server.credential('acme', id)[0]}`

/** The answer to something that was made. */
export const made = (answer: Answer): Answer => {
  assert.equal(answer.status, 201, answer.text)
  return answer
}

export async function newUser(operator: Manager, name: string, tenant = 'acme'): Promise<string> {
  const body = { email: `${name}@example.com`, name }
  return made(await operator.call('POST', `/tenants/${tenant}/users`, { body })).json.id
}

/** The status, with the code of a refusal. */
export const outcomeOf = ({ status, json }: Answer): string =>
  status < 400 ? String(status) : `${status} ${json.code}`
