/** What this runtime offers: `node:crypto` where there is one, and else the Web Crypto that every runtime has. */

import { nodeRuntime } from './node.ts'
import type { Runtime } from './runtime.ts'
import { webRuntime } from './web.ts'

export const systemRuntime: Runtime = nodeRuntime() ?? webRuntime
