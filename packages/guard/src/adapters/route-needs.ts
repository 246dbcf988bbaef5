/** What the routes of a framework need: said once, named by each route's own template, made once for each. */

import { countedMethod, routeName } from '../endpoint-name.ts'
import type { Guard } from '../guard.ts'
import { limitIn } from '../limits-of-endpoints.ts'
import { GuardOptionsError } from '../options.ts'
import { checked, checkWords, type Requirement } from '../requirement.ts'

/**
 * `template` is what the framework calls the route, undefined where it knows none yet: a limit would then count all requests
 * together, and throws `GuardOptionsError`.
 */
export type RouteNeeds = (method: string, template: unknown) => Requirement

/** Throws `GuardOptionsError` for what this guard cannot hold to. `mount` is where the routes are, as far as it is known. */
export function createRouteNeeds(guard: Guard, requirement: Requirement, mount = ''): RouteNeeds {
  checkWords(requirement)
  const asked = checked(requirement)
  guard.checkRequirement({ endpoint: 'of the route', ...asked })
  const said = withLimitRead(asked)
  if (said.endpoint !== undefined) return () => said
  // Routes and counted methods are few, and nothing that a client sends is a key.
  const made = new Map<unknown, Map<string, Requirement>>()
  const makeFor = (template: unknown): Map<string, Requirement> => {
    const ofRoute = new Map<string, Requirement>()
    made.set(template, ofRoute)
    return ofRoute
  }
  return (method, template) => {
    const ofRoute = made.get(template) ?? makeFor(template)
    const counted = countedMethod(method)
    const known = ofRoute.get(counted)
    if (known !== undefined) return known
    const needed =
      template === undefined
        ? withoutRoute(guard, said)
        : { ...said, endpoint: routeName(counted, mount + String(template)) }
    ofRoute.set(counted, needed)
    return needed
  }
}

function withoutRoute(guard: Guard, requirement: Requirement): Requirement {
  try {
    guard.checkRequirement(requirement)
  } catch {
    // What else could be wrong with it was found when the needs were made.
    throw new GuardOptionsError(
      'a limit before all routes would count them together: name `endpoint`, give createGuard `endpoints`, or protect each route',
    )
  }
  return requirement
}

function withLimitRead(requirement: Requirement): Requirement {
  const limit = limitIn(requirement.limit)
  return limit === null ? requirement : { ...requirement, limit }
}
