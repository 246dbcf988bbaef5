/** Loaded before a command: the process dies by `kill -9` just before its nth change of a file or folder. */

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

let left = Number(process.env.DIE_AT_STEP)

/** Not what the loader of modules does. */
const isOurs = ([first]: readonly unknown[]): boolean =>
  typeof first === 'number' || /sallyport\.db|backup\.db|replaced-/.test(String(first))

const changing = [
  ...(['openSync', 'copyFileSync', 'chmodSync', 'linkSync', 'renameSync', 'rmSync'] as const),
  ...(['mkdirSync', 'fsyncSync'] as const),
]

for (const name of changing) {
  const original = fs[name] as (...args: unknown[]) => unknown
  Object.assign(fs, {
    [name](...args: unknown[]) {
      if (isOurs(args)) left -= 1
      if (left === 0) process.kill(process.pid, 'SIGKILL')
      return original.apply(fs, args)
    },
  })
}
syncBuiltinESMExports()
