/** Tokens that Sallyport gives out for other purposes than calling an API, known by how they begin. */

import { parseRegistrationToken } from '@sallyport/protocol'
import type { InspectedKind, Problem } from './token-report.ts'

interface OwnSecret extends Problem {
  readonly kind: InspectedKind
}

interface Purpose extends OwnSecret {
  readonly shape: RegExp
  readonly isWhole: (text: string) => boolean
}

const isRegistrationToken = (text: string): boolean => parseRegistrationToken(text) !== null

const purposes: readonly Purpose[] = [
  {
    kind: 'registration_token',
    shape: /sp_iat_[0-9A-Za-z]*/,
    isWhole: isRegistrationToken,
    sentence:
      'This is a registration token (RFC 7591: an initial access token): programs register as apps with it, and it opens no API.',
    nextStep:
      'What is left of it: sallyport manage registration-tokens list. If others may have seen it: sallyport secrets report says whose it is and puts it out of use.',
  },
  {
    kind: 'registration_access_token',
    shape: /sp_rat_[0-9A-Za-z]*/,
    isWhole: isRegistrationToken,
    sentence:
      'This is a registration access token (RFC 7592): an app that has registered itself changes or removes its registration with it, and it opens no API.',
    nextStep:
      'Get an access token with the client id and the secret of that app. If others may have seen this one: sallyport secrets report says whose it is and puts it out of use.',
  },
  {
    kind: 'invitation',
    shape: /sp_invite_[0-9A-Za-z]*/,
    isWhole: (text) => /^sp_invite_[0-9A-Za-z]{43}$/.test(text),
    sentence: 'This is the token of an invitation: whoever is invited accepts with it, and it opens no API.',
    nextStep:
      'Whether it is still open: sallyport manage invitations list. If others may have seen it: sallyport manage invitations remove takes it back.',
  },
]

/** Wherever it stands in the text; null where none does. Does not tell whether it is good. */
export function ownSecretIn(text: string): OwnSecret | null {
  for (const { shape, isWhole, kind, sentence, nextStep } of purposes) {
    const [found] = shape.exec(text) ?? []
    if (found === undefined) continue
    return { kind, nextStep, sentence: isWhole(found) ? sentence : `${sentence} It was cut or mistyped.` }
  }
  return null
}
