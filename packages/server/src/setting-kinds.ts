/** What a setting can be: each kind reads a text or a YAML value, and says in words what may stand there. */

import { isAbsolute, join } from 'node:path'
import { AddressRefused, parseAddressList } from './http/address-list.ts'
import { isMasterKeys } from './master-key.ts'

/** Reads one setting's text or YAML value; undefined for what it cannot be. */
type Parse<Value> = (raw: unknown) => Value | undefined

export interface Setting<Value> {
  readonly parse: Parse<Value>
  /** Of a setting that names files: the same value where what it names stands in this folder, unless it says otherwise. */
  within?(value: Value, folder: string): Value
  readonly fallback: Value
  /** What may stand there, in words: for the reference, and for whoever wrote something else. */
  readonly expected: string
  readonly about: string
  /** Also read from the file that `<name>_file` names, and never shown. */
  readonly isSecret?: true
}

/** What was written cannot be that setting; the message says why. */
export class SettingProblem extends Error {}

interface Kind<Value> {
  readonly expected: string
  readonly parse: Parse<Value>
  within?(value: Value, folder: string): Value
}

const kind = <Value>(expected: string, parse: Parse<Value>): Kind<Value> => ({ expected, parse })

export const text = kind('a text', (raw) => (typeof raw === 'string' && raw !== '' ? raw : undefined))

/** As it is written where that is the folder of the process, so that people are shown what they know. */
export const pathWithin = (path: string, folder: string): string =>
  folder === '.' || isAbsolute(path) ? path : join(folder, path)

export const path: Kind<string> = { ...kind('a path', text.parse), within: pathWithin }

/** Variables and flags are texts; YAML knows numbers. */
const wholeNumber = (raw: unknown): number => {
  const number = typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : raw
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : -1
}

export const port = kind('a port, 0 to 65535', (raw) => {
  const number = wholeNumber(raw)
  return number >= 0 && number <= 65_535 ? number : undefined
})

export const processes = kind('a number of processes, 1 to 256', (raw) => {
  const number = wholeNumber(raw)
  return number >= 1 && number <= 256 ? number : undefined
})

export const count = kind('a whole number from 1', (raw) => {
  const number = wholeNumber(raw)
  return number >= 1 ? number : undefined
})

export const pauseSeconds = kind('whole seconds, 0 to 300', (raw) => {
  const number = wholeNumber(raw)
  return number >= 0 && number <= 300 ? number : undefined
})

export const yesOrNo = kind('true or false', (raw) => {
  if (raw === true || raw === 'true') return true
  return raw === false || raw === 'false' ? false : undefined
})

export const httpsUrl = kind('an https URL without a path, such as https://auth.example.com', (raw) => {
  const url = typeof raw === 'string' ? URL.parse(raw) : null
  if (url?.protocol !== 'https:') return undefined
  const isBare = url.pathname === '/' && url.search === '' && url.hash === ''
  return isBare && url.username === '' && url.password === '' ? url : undefined
})

export const keysUrl = kind('an https URL', (raw) =>
  typeof raw === 'string' && URL.parse(raw)?.protocol === 'https:' ? raw : undefined,
)

export const databaseUrl = kind('a URL such as postgres://user:password@host/name', (raw) => {
  const url = typeof raw === 'string' ? URL.parse(raw) : null
  return typeof raw === 'string' && /^postgres(?:ql)?:$/.test(url?.protocol ?? '') ? raw : undefined
})

export const masterKeys = kind('32 random bytes in base64url, 43 characters', (raw) =>
  typeof raw === 'string' && isMasterKeys(raw) ? raw : undefined,
)

export const addresses = kind('IP addresses or networks, such as 10.0.0.0/8', (raw) => {
  const list = typeof raw === 'string' ? raw.split(',').map((entry) => entry.trim()) : raw
  if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) return undefined
  try {
    parseAddressList(list)
    return list as readonly string[]
  } catch (error) {
    if (error instanceof AddressRefused) return undefined
    throw error
  }
})

const fileList = kind('paths of files', (raw) => {
  const list = typeof raw === 'string' ? raw.split(',').map((entry) => entry.trim()) : raw
  const isList = Array.isArray(list) && list.every((entry) => typeof entry === 'string' && entry !== '')
  return isList ? (list as readonly string[]) : undefined
})

export const files: Kind<readonly string[]> = {
  ...fileList,
  within: (paths, folder) => paths.map((one) => pathWithin(one, folder)),
}

/** Plain HTTP only to this machine: what is changed in a tenant is nobody else's to read. */
export const webhookUrl = kind('an https URL, or an http URL of this machine', (raw) => {
  const url = typeof raw === 'string' ? URL.parse(raw) : null
  if (typeof raw !== 'string' || url === null) return undefined
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isHere) ? raw : undefined
})

export const signingSecret = kind('a text of 16 characters or more', (raw) =>
  typeof raw === 'string' && raw.length >= 16 ? raw : undefined,
)

export const syslogUrl = kind('a URL such as tls://logs.example.com:6514, with udp, tcp or tls', (raw) => {
  const url = typeof raw === 'string' ? URL.parse(raw) : null
  const isPlace = url !== null && url.hostname !== '' && /^\/?$/.test(url.pathname + url.search + url.hash)
  return isPlace && ['udp:', 'tcp:', 'tls:'].includes(url.protocol) ? url : undefined
})

export const oneOf = <const Choice extends string>(...choices: readonly Choice[]): Kind<Choice> =>
  kind(`one of ${choices.join(', ')}`, (raw) => choices.find((choice) => choice === raw))

export const setting = <Value>(kind: Kind<Value>, fallback: Value, about: string): Setting<Value> => ({
  ...kind,
  fallback,
  about,
})
export const optional = <Value>(
  { parse, expected, within }: Kind<Value>,
  about: string,
): Setting<Value | null> => ({
  ...{ parse, expected, fallback: null, about },
  ...(within && { within: (value, folder) => (value === null ? null : within(value, folder)) }),
})
export const secret = (of: Kind<string>, about: string): Setting<string | null> => ({
  ...optional(of, about),
  isSecret: true,
})
