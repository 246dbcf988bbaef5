/** What a path names, in the words in which the audit chain names what was found: so one thing has one name, done or refused. */

import { storedMember } from './members.ts'

type Params = Readonly<Record<string, string>>

/** Where the noun is not what the table calls it in paths. */
const nouns: Readonly<Record<string, string>> = {
  key: 'signing key',
  key_request: 'key request',
  registration_token: 'registration token',
  issuer: 'trusted issuer',
}

/** Whether there is such a thing makes no difference: whoever was refused may not know, nor learn it from the time it takes. */
export function pathTarget(params: Params): string {
  const [param, id] = Object.entries(params).at(-1) ?? []
  if (param === undefined || id === undefined) return 'server'
  if (param === 'credential') return `credential ${params.app} ${id}`
  if (param === 'member') return `membership ${storedMember(id)}${placeOf(params)}`
  return `${nouns[param] ?? param} ${id}`
}

const placeOf = ({ organization }: Params): string =>
  organization === undefined ? '' : ` in ${organization}`
