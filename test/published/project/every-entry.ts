/** Every entry of every package, for a compiler that is told of old targets. */

export * as client from '@sallyport/client'
export * as guard from '@sallyport/guard'
export * as express from '@sallyport/guard/express'
export * as fastify from '@sallyport/guard/fastify'
export * as hono from '@sallyport/guard/hono'
export * as node from '@sallyport/guard/node'
export * as redis from '@sallyport/guard/redis'
export * as web from '@sallyport/guard/web'
export * as protocol from '@sallyport/protocol'
