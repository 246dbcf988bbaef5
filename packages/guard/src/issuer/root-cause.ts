/** What lies behind a failed `fetch`, whose own words say only that it has failed: a certificate, a name, a port. */

// Errors of errors end at the system's; what is deeper is a circle.
const deepest = 5

/** In brackets, or empty where nothing is known. It names hosts and certificates, and nothing that was sent. */
export function rootCause(error: unknown): string {
  let root: unknown = error
  for (let depth = 0; depth < deepest && causeOf(root) !== undefined; depth += 1) root = causeOf(root)
  if (!(root instanceof Error)) return ''
  const { code } = root as { readonly code?: unknown }
  const known = [root.message, typeof code === 'string' && !root.message.includes(code) ? code : '']
  const words = known.filter((part) => part !== '').join(', ')
  return words === '' ? '' : ` (${words.slice(0, longest)})`
}

const longest = 300

const causeOf = (error: unknown): unknown => (error instanceof Error ? (error.cause ?? undefined) : undefined)
