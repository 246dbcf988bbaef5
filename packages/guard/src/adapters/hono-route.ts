/** Which route of Hono a request is for, as middleware can know it before the handler has run. */

export interface MatchedRoute {
  readonly path: string
  readonly method: string
}

// Hono's name for the method of what `use` and `all` register.
const anyMethod = 'ALL'

const isPattern = ({ path }: MatchedRoute): boolean => path.endsWith('*')

/**
 * The template that requests are counted by. `matched` are all routes whose path fits, in the order in which they run, of
 * which the guard's own is at `index`: where that is a pattern for all methods, as of `app.use`, the guard stands before
 * other routes, and the first of them that is no pattern itself will answer.
 */
export function templateOf(matched: readonly MatchedRoute[], index: number): string {
  const [own, ...behind] = matched.slice(index)
  if (own === undefined) return '/*'
  if (own.method !== anyMethod || !isPattern(own)) return own.path
  const exact = behind.filter((route) => !isPattern(route))
  const answering = exact.find(({ method }) => method !== anyMethod) ?? exact[0]
  // Nothing but patterns: before `/files/*` and `/*` whoever asks is at `/files/*`.
  return (answering ?? behind.reduce(longer, own)).path
}

const longer = (one: MatchedRoute, other: MatchedRoute): MatchedRoute =>
  other.path.length > one.path.length ? other : one
