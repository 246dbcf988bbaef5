/** How long an access token lives: who says so first, and within which bounds. */

export interface Lifetime {
  readonly defaultSeconds: number
  readonly minimumSeconds: number
  readonly maximumSeconds: number
}

/** What holds where a tenant sets nothing. */
export const defaultLifetime: Lifetime = { defaultSeconds: 600, minimumSeconds: 60, maximumSeconds: 86_400 }

/**
 * A token of an outside issuer that is older opens nothing here: whoever it is about may have been cut off since, and
 * cut-offs are not kept for ever.
 */
export const outsideTokenSeconds = 86_400

/** `wishes` in their order, app before plan before API: the first one set counts, held within the bounds. */
export function accessTokenSeconds(
  { defaultSeconds, minimumSeconds, maximumSeconds }: Lifetime,
  wishes: readonly (number | null | undefined)[],
): number {
  const wish = wishes.find((seconds) => seconds !== null && seconds !== undefined) ?? defaultSeconds
  return Math.min(Math.max(wish, minimumSeconds), maximumSeconds)
}
