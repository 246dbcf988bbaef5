// One thing of every noun in tenant acme, made over the management API: what the names in paths stand for.
import assert from 'node:assert/strict'
import type { TestServer } from '../harness.ts'
import { manager } from './managed.ts'

/** The params of all paths; where a path lies in the organization, `organization NAME` comes before `NAME`. */
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
  const user = await make(`${tenant}/users`, { email: 'ada@globex.example', name: 'Ada' })
  const member = { member: `user:${user}`, roles: ['developer'] }
  const invited = { email: 'eve@globex.example', roles: ['developer'] }
  // A tenant's keys are made when it is first asked for.
  await server.token('acme')
  const keys = await operator.call('GET', `${tenant}/signing-keys`)
  return {
    ...{ tenant: 'acme', organization: 'customer', app, user },
    credential: await make(`${tenant}/apps/${app}/credentials`, { id: 'main', secret: 'generated' }),
    member: await make(`${tenant}/memberships`, member, 'member'),
    'organization member': await make(`${organization}/memberships`, member, 'member'),
    role: await make(`${tenant}/roles`, { id: 'support', name: 'Support', permissions: ['read_apps'] }),
    invitation: await make(`${tenant}/invitations`, invited),
    'organization invitation': await make(`${organization}/invitations`, invited),
    registration_token: await make(`${organization}/registration-tokens`, { name: 'Machines' }),
    key_request: await make(`${organization}/key-requests`, { app_name: 'Thing', purpose: 'Trying it out.' }),
    api: await make(`${tenant}/apis`, {
      id: 'more',
      audience: 'https://more.example',
      scopes: { see: 'See' },
    }),
    plan: await make(`${tenant}/plans`, { id: 'gold', price: 'paid' }),
    key: keys.json.items[0].kid,
    issuer: await make(`${tenant}/trusted-issuers`, { issuer: 'https://idp.example', apps: ['thing'] }),
  }
}
