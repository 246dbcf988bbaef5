/** Handed to Node with `--import`: tells the path of every file that the process has loaded, in the file that LOADED_FILE names. */

import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const loaded: string[] = []
const { LOADED_FILE: report = '' } = process.env

registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url)
    return nextLoad(url, context)
  },
})

process.on('exit', () => writeFileSync(report, JSON.stringify(loaded)))
