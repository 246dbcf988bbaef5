/** Baseline: `signing.ts` in several processes that `node:cluster` lets share a port; `cluster.ts 2 ES256`. */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Ready } from './ready.ts'

const [, , count, ...signingArguments] = process.argv
cluster.setupPrimary({
  exec: fileURLToPath(new URL('./signing.ts', import.meta.url)),
  args: signingArguments,
})
let ready: Ready | undefined
// One after the other, because each races the ways to sign when it starts.
for (let started = 0; started < Number(count); started += 1) {
  const [message]: Ready[] = await once(cluster.fork(), 'message')
  ready = message
}
process.send?.(ready)
process.once('disconnect', () => process.exit(0))
