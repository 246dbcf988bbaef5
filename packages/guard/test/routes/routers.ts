// Real routers in process, handed a request target as it is: which endpoint's handler would run?
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import express from 'express'
import fastify, { type FastifyServerOptions } from 'fastify'
import { Hono } from 'hono'
import type { Endpoint } from '../../src/routes/endpoint.ts'

/** Called where the handler of an endpoint runs. */
type Reached = (endpoint: Endpoint) => void
/** Asked by a middleware before the router, with the request target as the router will read it. */
type Admits = (method: string, target: string) => boolean
type Dispatch = (method: string, target: string) => Promise<void>
type Start = (endpoints: readonly Endpoint[], reached: Reached, admits: Admits) => Promise<Dispatch>

export type Router = (method: string, target: string) => Promise<Endpoint | null>

const kindsOf = ({ path }: Endpoint): string =>
  path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '1' : '0'))
    .join('')

/** Literals first: Express and Hono take the first that fits. */
const ordered = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.toSorted((one, other) => (kindsOf(one) < kindsOf(other) ? -1 : 1))

const colonPath = ({ path }: Endpoint): string => path.replaceAll(/\{([^}]*)\}/g, ':$1')

/** No HTTP parser between: what it would stop today, another might let through. */
function send(listener: RequestListener, method: string, url: string): Promise<void> {
  const request = Object.assign(new IncomingMessage(new Socket()), { method, url })
  request.push(null)
  const response = new ServerResponse(request)
  return new Promise((resolve) => {
    response.end = () => {
      resolve()
      return response
    }
    listener(request, response)
  })
}

const startExpress =
  (settings: readonly string[]): Start =>
  async (endpoints, reached, admits) => {
    const app = express()
    app.set('env', 'test')
    for (const setting of settings) app.enable(setting)
    app.use((request, response, next) => {
      if (admits(request.method, request.url)) next()
      else response.end()
    })
    for (const endpoint of ordered(endpoints))
      app[endpoint.method === 'GET' ? 'get' : 'post'](colonPath(endpoint), (_request, response) => {
        reached(endpoint)
        response.end()
      })
    return (method, target) => send(app as RequestListener, method, target)
  }

const startFastify =
  (routerOptions: FastifyServerOptions['routerOptions'] & object): Start =>
  async (endpoints, reached, admits) => {
    const app = fastify({ routerOptions })
    app.addHook('onRequest', async (request, reply) => {
      if (!admits(request.method, request.url)) return reply.send('')
    })
    for (const endpoint of endpoints)
      app.route({
        method: endpoint.method,
        url: colonPath(endpoint),
        handler: (_request, reply) => {
          reached(endpoint)
          return reply.send('')
        },
      })
    await app.ready()
    return (method, target) => send(app.routing, method, target)
  }

const startHono =
  (
    options: { readonly strict: boolean },
    requestOf: (method: string, target: string) => Request | null,
  ): Start =>
  async (endpoints, reached, admits) => {
    const app = new Hono(options)
    app.use(async (context, next) => {
      if (!admits(context.req.method, context.req.url)) return context.body(null)
      return next()
    })
    for (const endpoint of ordered(endpoints))
      app.on(endpoint.method, colonPath(endpoint), (context) => {
        reached(endpoint)
        return context.body(null)
      })
    return async (method, target) => {
      const request = requestOf(method, target)
      if (request !== null) await app.fetch(request)
    }
  }

/** Hono looks for the path behind an origin, and fails without one. */
const unparsedRequest = (method: string, target: string): Request | null => {
  const url = target.startsWith('/') ? `http://localhost${target}` : target
  return /^https?:\/\/[^?]*\//.test(url) ? ({ url, method, headers: new Headers() } as Request) : null
}

/** As runtimes do that hand out Web requests. */
const webRequest = (method: string, target: string): Request | null => {
  const url = URL.parse(target, 'http://localhost')
  return url === null ? null : new Request(url, { method })
}

/** As a handler of `node:http` or an edge function may do it: WHATWG URL, decode, then compare by hand. */
const startByHand: Start = async (endpoints, reached, admits) => {
  const routes = ordered(endpoints).map((endpoint) => ({
    endpoint,
    pattern: new RegExp(`^${endpoint.path.replaceAll('.', '\\.').replaceAll(/\{[^}]*\}/g, '[^/]+')}$`),
  }))
  return async (method, target) => {
    const path = decoded(URL.parse(target, 'http://localhost')?.pathname ?? '')
    const asked = method === 'HEAD' ? 'GET' : method
    const route = routes.find(({ endpoint, pattern }) => endpoint.method === asked && pattern.test(path))
    if (route && admits(method, target)) reached(route.endpoint)
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

const lenient = {
  caseSensitive: false,
  ignoreTrailingSlash: true,
  ignoreDuplicateSlashes: true,
  useSemicolonDelimiter: true,
}

const starts: Readonly<Record<string, Start>> = {
  'Express 5': startExpress([]),
  'Express 5, strict and by case': startExpress(['strict routing', 'case sensitive routing']),
  'Fastify 5': startFastify({}),
  'Fastify 5, lenient': startFastify(lenient),
  'Hono 4': startHono({ strict: true }, unparsedRequest),
  'Hono 4, not strict': startHono({ strict: false }, unparsedRequest),
  'Hono 4 behind a Web request': startHono({ strict: false }, webRequest),
  'node:http by hand': startByHand,
}

export const routerNames: readonly string[] = Object.keys(starts)

export async function startRouter(
  name: string,
  endpoints: readonly Endpoint[],
  admits: Admits = () => true,
): Promise<Router> {
  let last: Endpoint | null = null
  const start = starts[name]
  if (start === undefined) throw new Error(`no router ${name}`)
  const reached: Reached = (endpoint) => {
    last = endpoint
  }
  const dispatch = await start(endpoints, reached, admits)
  return async (method, target) => {
    last = null
    await dispatch(method, target)
    return last
  }
}
