/** A database that answers, while the change feed has not heard from it for longer than anybody may rely on. */
import type { Doubles } from '../harness.ts'

/** Not late at all while `secondsLate` is 0. */
export const lateFeed = (secondsLate: () => number): Required<Pick<Doubles, 'db'>> => ({
  db: (db) =>
    new Proxy(db, {
      get(target, name) {
        const { changes } = target
        if (name === 'changes' && secondsLate() > 0)
          return { ...changes, lastContactAt: changes.lastContactAt - secondsLate() }
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
})
