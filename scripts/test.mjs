// `npm test`: installs, then type check, lint and every test. `npm test -- FILE…` narrows the last stage.
import { enter } from './entry.mjs'

enter(() => import('./stages.mjs').then((stages) => stages.runStages(process.argv.slice(2))))
