/** Federation rules that let in more than their makers may think: no reason to refuse a blueprint, but to say so. */

import { checkFederationRule } from '../federation/check-rule.ts'
import type { Blueprint } from './blueprint.ts'
import type { Path, Warning } from './problem.ts'
import type { CredentialEntry } from './schema.ts'

export function federationWarnings(blueprints: readonly Blueprint[]): Warning[] {
  return blueprints.flatMap(({ file, source }) =>
    credentialsIn(file.tenants).flatMap(([{ federation }, path]) =>
      (federation ? checkFederationRule(federation).warnings : []).map((sentence) =>
        source.warning([...path, 'federation'], sentence),
      ),
    ),
  )
}

const credentialsIn = (
  tenants: Blueprint['file']['tenants'],
): readonly (readonly [entry: CredentialEntry, path: Path])[] =>
  tenants.flatMap(({ organizations = [] }, tenant) =>
    organizations.flatMap(({ apps = [] }, organization) =>
      apps.flatMap(({ credentials = [] }, app) =>
        credentials.map(
          (entry, index) =>
            [
              entry,
              ['tenants', tenant, 'organizations', organization, 'apps', app, 'credentials', index],
            ] as const,
        ),
      ),
    ),
  )
