/** A route of a Next.js application: POST hands out a token, GET wants one. */

import { createGuard, systemEffects } from '@sallyport/guard'
import { accessOf, protect } from '@sallyport/guard/web'
import type { NextRequest } from 'next/server'
import { audience, createIssuer, issuerUrl } from '../../../issuer.ts'

const issuer = await createIssuer()
const guard = createGuard({
  ...{ issuer: issuerUrl, audience, effects: { ...systemEffects, fetch: issuer.fetch } },
})

interface Context {
  readonly params: Promise<{ readonly organization: string }>
}

export const POST = async () => new Response(await issuer.token())

export const GET = protect(
  guard,
  async (request: NextRequest, { params }: Context) => {
    const { organization } = await params
    return Response.json({
      client: accessOf(request)?.clientId,
      organization,
      page: request.nextUrl.searchParams.get('page'),
    })
  },
  { scope: 'invoices/read' },
)
