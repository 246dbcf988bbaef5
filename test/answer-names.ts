/** Loaded before a server of a test: every name has a public address, as those in documents would have for their reader. */

import { Resolver } from 'node:dns/promises'

Object.assign(Resolver.prototype, {
  resolve4: async () => ['93.184.216.34'],
  resolve6: async () => [],
})
