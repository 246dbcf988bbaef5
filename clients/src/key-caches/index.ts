/** Every verifier that runs while keys are rotated. */

import { authlibPython, goOidc } from '../machine-clients.ts'
import type { CachingVerifier } from './caching-verifier.ts'
import { jose } from './jose.ts'
import { scriptFile, startProgram } from './program.ts'

export const authlib: CachingVerifier = {
  name: 'Authlib',
  unknownKey: /^InvalidTokenError: invalid_key_id/,
  whyAbsent: () => authlibPython().problem,
  start(setting, ca) {
    const environment = { ...authlibPython().environment, REQUESTS_CA_BUNDLE: ca }
    return startProgram('python3', [scriptFile('authlib-verifier.py'), JSON.stringify(setting)], environment)
  },
}

export const goOidcVerifier: CachingVerifier = {
  name: 'go-oidc',
  unknownKey: /failed to verify id token signature$/,
  whyAbsent: () => goOidc().problem,
  start: (setting, ca) =>
    startProgram(goOidc().program ?? '', [JSON.stringify(setting)], { SSL_CERT_FILE: ca }),
}

export const cachingVerifiers: readonly CachingVerifier[] = [jose, authlib, goOidcVerifier]
