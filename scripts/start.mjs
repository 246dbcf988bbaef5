// `npm start`: a development instance from a fresh clone.
import { enter } from './entry.mjs'

enter(() =>
  import('./runtime.mjs').then((runtime) =>
    runtime.runFile('packages/server/bin/sallyport.mjs', ['dev'].concat(process.argv.slice(2))),
  ),
)
