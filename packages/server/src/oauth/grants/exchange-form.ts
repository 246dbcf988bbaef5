/** RFC 8693 §2.1: what a request for an exchange says, before any of its tokens is read. */

import { type Form, refuse } from '@sallyport/protocol'

export type ExchangedType = 'access_token' | 'jwt'

export interface PresentedToken {
  readonly text: string
  readonly type: ExchangedType
}

export interface ExchangeForm {
  readonly subject: PresentedToken
  readonly actor: PresentedToken | null
  readonly requestedType: ExchangedType
}

const prefix = 'urn:ietf:params:oauth:token-type:'
// RFC 8693 §3 knows more; these are the ones that stand for access tokens.
const types: ReadonlyMap<string, ExchangedType> = new Map([
  [`${prefix}access_token`, 'access_token'],
  [`${prefix}jwt`, 'jwt'],
])

export const tokenTypeUri = (type: ExchangedType): string => prefix + type

export function readExchangeForm(form: Form): ExchangeForm {
  const subject = presented(form, 'subject') ?? refuseMissing('subject_token')
  const actor = presented(form, 'actor')
  return { subject, actor, requestedType: typeIn(form, 'requested_token_type') ?? 'access_token' }
}

function presented(form: Form, role: 'subject' | 'actor'): PresentedToken | null {
  const text = form.get(`${role}_token`)
  const type = typeIn(form, `${role}_token_type`)
  if (text === undefined) return type === null ? null : refuseMissing(`${role}_token`)
  return { text, type: type ?? refuseMissing(`${role}_token_type`) }
}

function typeIn(form: Form, name: string): ExchangedType | null {
  const uri = form.get(name)
  if (uri === undefined) return null
  const words = [...types.keys()].join(' or ')
  return types.get(uri) ?? refuse('invalid_request', `${name} unsupported`, `${name} must be ${words}.`)
}

const refuseMissing = (name: string): never =>
  refuse('invalid_request', `${name} missing`, `${name} is missing.`)
