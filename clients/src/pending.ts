/** What the server cannot do yet: `client proof` or `client DPoP`. A cell that starts to work fails until it is gone from here. */

export const pending: ReadonlySet<string> = new Set<string>([])
