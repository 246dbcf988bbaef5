/** Why a URL was not fetched, in words of ours that may stand in a log. */

export class Refused extends Error {
  override readonly name = 'Refused'
}

export const refuseFetch = (reason: string): never => {
  throw new Refused(reason)
}
