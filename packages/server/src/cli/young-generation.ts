/** Where V8 puts what is new: large enough for the requests in flight, and no larger (decision 0028). */

import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

const youngBytes = (): number =>
  getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0

/**
 * Ends the growth of the young generation at the first collection that finds it at `bytes` or above. The limit that Node has
 * a flag for (`--max-semi-space-size`) is read before any code of ours runs.
 */
export function boundYoungGeneration(bytes: number): void {
  const observer = new PerformanceObserver(() => {
    if (youngBytes() < bytes) return
    setFlagsFromString('--semi-space-growth-factor=1')
    observer.disconnect()
  })
  observer.observe({ entryTypes: ['gc'] })
}
