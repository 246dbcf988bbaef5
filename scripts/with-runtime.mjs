// `node scripts/with-runtime.mjs FILE args…`: runs one of our TypeScript files on the bundled Node, installing first.
import { enter } from './entry.mjs'

enter(() =>
  import('./runtime.mjs').then((runtime) => runtime.runFile(process.argv[2], process.argv.slice(3))),
)
