// One thing of every noun in tenant acme, made over the management API: what the names in paths stand for.
import assert from 'node:assert/strict'
import type { TestServer } from '../harness.ts'
import { manager } from './managed.ts'

/** The params of all paths. */
export async function everyThing(server: TestServer): Promise<Readonly<Record<string, string>>> {
  const operator = await manager(server)
  const tenant = '/tenants/acme'
  const organization = `${tenant}/organizations/customer`
  const make = async (path: string, body: object, name = 'id'): Promise<string> => {
    const answer = await operator.call('POST', path, { body })
    assert.equal(answer.status, 201, `${path} ${answer.text}`)
    return answer.json[name]
  }
  const app = await make(`${organization}/apps`, { id: 'thing', name: 'Thing' }, 'client_id')
  const credential = await make(`${tenant}/apps/${app}/credentials`, { id: 'main', secret: 'generated' })
  return { tenant: 'acme', organization: 'customer', app, credential }
}
