/** Registrations: what lets an app that has registered itself look after itself (RFC 7592). Their tokens are shown once. */

import { formatRegistrationToken } from '@sallyport/protocol'
import { Type } from 'typebox'
import { digestOfRegistrationToken } from '../../apps/registration.ts'
import type { WriteTransaction } from '../../store/database.ts'
import {
  findRegistration,
  type RegistrationRecord,
  replaceRegistrationAccess,
} from '../../store/registrations.ts'
import { requirePermission } from '../authorize.ts'
import { type OperationDeps, type Written, write } from '../operation.ts'
import { refuseWith } from '../problem.ts'
import { findApp } from './apps.ts'

const RegistrationShape = Type.Object({
  client_id: Type.String(),
  /** The registration token that it was made with, which may be gone. */
  registration_token: Type.String(),
  /** In the one answer that made it. */
  registration_access_token: Type.Optional(Type.String()),
})

const show = ({ clientId, tokenId }: RegistrationRecord) => ({
  client_id: clientId,
  registration_token: tokenId,
})

/** For the audit chain: whether there is a token that it can be changed with. */
const stateOf = (registration: RegistrationRecord) => ({
  ...show(registration),
  looks_after_itself: registration.digest.length > 0,
})

/** The one before is dead in the same transaction, so that of two nobody has to say which is meant. */
async function rotate(
  tx: WriteTransaction,
  tenantId: string,
  before: RegistrationRecord,
  { effects }: OperationDeps,
): Promise<Written> {
  const token = formatRegistrationToken('registration', effects.random(32))
  await replaceRegistrationAccess(tx, tenantId, before.clientId, digestOfRegistrationToken(token))
  return {
    body: { ...show(before), registration_access_token: token },
    before: stateOf(before),
    after: { ...stateOf(before), looks_after_itself: true },
    isSecret: true,
  }
}

const shown = {
  ...{ client_id: '5f0c2b7e9a1d4c3b8e6f7a90', registration_token: 'reg_5f0c2b7e9a1d4c3b8e6f7a90' },
  registration_access_token: 'sp_rat_… (shown once)',
}

export const registrationOperations = [
  write({
    id: 'rotateRegistrationAccessToken',
    command: 'registrations rotate',
    method: 'POST',
    status: 201,
    path: '/tenants/{tenant}/apps/{app}/rotate-registration-access-token',
    about:
      'Give an app that has registered itself another registration access token, shown in this one answer; the one before is dead at once.',
    permission: 'manage_apps',
    output: RegistrationShape,
    problems: ['conflict', 'secret_shown_once'],
    example: { answer: shown },
    find: findApp,
    async run({ params: { tenant, app }, target: { place }, caller }, tx, deps) {
      // With the token the app's credentials are changed too.
      requirePermission(caller, 'manage_api_credentials', place)
      const registration = await findRegistration(tx, tenant, app)
      if (registration === null)
        refuseWith('conflict', {
          detail: 'The app has not registered itself: whoever manages it changes it.',
        })
      return rotate(tx, tenant, registration, deps)
    },
  }),
]
