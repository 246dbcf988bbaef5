/** What Next.js itself demands of a route's handlers when it checks an application. */

import type { NextRequest } from 'next/server'
import { GET } from './app/[organization]/invoices/route.ts'

interface Context {
  readonly params: Promise<{ organization: string }>
}

export const handler: (request: NextRequest, context: Context) => Response | Promise<Response> = GET
