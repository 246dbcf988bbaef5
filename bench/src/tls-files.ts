/** The certificate both sides of the TLS row use, made once for each run. */
import { join } from 'node:path'
import { ensureLocalCertificate } from '../../packages/server/src/dev/local-ca.ts'
import { systemEffects } from '../../packages/server/src/effects.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

export function prepareTlsFiles(folder: string): Promise<TlsFiles> {
  return ensureLocalCertificate({
    folder: join(folder, 'tls'),
    hosts: ['localhost'],
    effects: systemEffects,
  })
}
