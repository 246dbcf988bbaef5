/** Apps whose plan leaves nothing of what they are granted: their tokens are issued all the same, and open nothing. */

import { barredApis, barredSentence } from '../tenants/plan-scopes.ts'
import type { Blueprint } from './blueprint.ts'
import type { Warning } from './problem.ts'

export function planWarnings(blueprints: readonly Blueprint[]): Warning[] {
  return blueprints.flatMap(({ file, source }) =>
    file.tenants.flatMap(({ organizations = [], plans = [] }, tenant) =>
      organizations.flatMap(({ plan: planId, apps = [] }, organization) => {
        const plan = plans.find(({ id }) => id === planId)
        if (plan === undefined) return []
        return apps.flatMap(({ scopes = {} }, app) =>
          barredApis(scopes, plan).map((api) =>
            source.warning(
              ['tenants', tenant, 'organizations', organization, 'apps', app, 'scopes', api],
              barredSentence(plan.id, api),
            ),
          ),
        )
      }),
    ),
  )
}
