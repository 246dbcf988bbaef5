/** A tenant's certificate authorities, inline and from files, as the list of PEM texts that is stored. */

import { authoritiesFault, readAuthorityText } from './certificates.ts'
import type { Declaring } from './declare-credentials.ts'
import type { Fault, Path } from './problem.ts'
import type { AuthoritySource } from './schema.ts'
import { readNamedFile } from './secret-source.ts'

export async function declareAuthorities(declaring: Declaring, path: Path): Promise<string[] | undefined> {
  const { tenant, blueprint, problems } = declaring
  const { certificate_authorities: sources } = tenant
  if (sources === undefined) return undefined
  const certificates: string[] = []
  const before = problems.length
  for (const [index, source] of sources.entries()) {
    const read = await readSource(declaring, source)
    if ('found' in read) problems.push(blueprint.source.problem([...path, index], read.found, read.expected))
    else certificates.push(...read)
  }
  const fault = problems.length > before ? null : authoritiesFault(certificates)
  if (fault) problems.push(blueprint.source.problem(path, fault.found, fault.expected))
  return certificates
}

async function readSource(
  { blueprint, effects }: Declaring,
  source: AuthoritySource,
): Promise<readonly string[] | Fault> {
  if (typeof source === 'string') return readAuthorityText(source)
  const text = await readNamedFile(blueprint, source.from_file, effects)
  return text === undefined
    ? { found: 'a file that cannot be read', expected: 'certificates of authorities in PEM' }
    : readAuthorityText(text)
}
