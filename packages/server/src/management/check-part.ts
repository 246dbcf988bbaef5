/**
 * A change of one part of a tenant, as a blueprint would have to hold it: what does not fit in the part is the body's
 * fault, and what the change would break elsewhere in the tenant is a conflict with it.
 */

import { checkTenant } from '../blueprint/check-tenant.ts'
import type { Path, Report } from '../blueprint/problem.ts'
import type { TenantEntry } from '../blueprint/schema.ts'
import { checkDeclared } from './declared.ts'
import { refuseWith } from './problem.ts'

/** `place` is where the part stands in `after`; null where it has gone. */
export function checkPart(before: TenantEntry, after: TenantEntry, place: Path | null): void {
  if (place !== null) checkDeclared(after, place)
  const known = new Set(faultsOf(before).map(sentenceOf))
  const broken = faultsOf(after).find((fault) => !known.has(sentenceOf(fault)))
  if (broken)
    refuseWith('conflict', {
      detail: `${ownerOf(after, broken.path)} would not fit it: ${sentenceOf(broken)}.`,
    })
}

interface Fault {
  readonly path: Path
  readonly found: string
  readonly expected: string
}

function faultsOf(tenant: TenantEntry): readonly Fault[] {
  const faults: Fault[] = []
  const report: Report = (path, found, expected) => void faults.push({ path, found, expected })
  checkTenant(tenant, [], report, { credentialsMayFollow: true })
  return faults
}

/** Without its place, which moves with what goes before it. */
const sentenceOf = ({ found, expected }: Fault): string => `found ${found}, expected ${expected}`

const words: Readonly<Record<string, string>> = {
  apis: 'API',
  plans: 'Plan',
  trusted_issuers: 'Trusted issuer',
}

/** A place as people know it: `Plan free`. */
function ownerOf(tenant: TenantEntry, path: Path): string {
  const [list = '', index = 0] = path
  if (list === 'organizations') return appOf(tenant, path)
  const word = words[list]
  if (word === undefined) return `The tenant’s ${list}`
  const entries = (tenant as Readonly<Record<string, unknown>>)[list] as readonly {
    readonly id?: string
    readonly issuer?: string
  }[]
  const entry = entries[Number(index)]
  return `${word} ${entry?.id ?? entry?.issuer}`
}

const appOf = ({ organizations }: TenantEntry, [, index, , at]: Path): string =>
  `App ${organizations?.[Number(index)]?.apps?.[Number(at)]?.id}`
