// The revocation feed of a world's issuer, told by hand.
import { settled, type World } from '../world.ts'

export interface Feed {
  /** Until it is set back, nobody can follow. */
  refuses: boolean
  tell(event: string, data: object): Promise<void>
  end(): Promise<void>
}

export function createFeed(world: World): Feed {
  const encoder = new TextEncoder()
  let writer: ReadableStreamDefaultController<Uint8Array> | null = null
  const text = (event: string, data: object) =>
    encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  const feed: Feed = {
    refuses: false,
    async tell(event, data) {
      writer?.enqueue(text(event, data))
      await settled()
      await settled()
    },
    async end() {
      writer?.close()
      writer = null
      await settled()
    },
  }
  world.answers.set('/oauth2/revocations', () => {
    if (feed.refuses) return new Response(null, { status: 503 })
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        writer = controller
        controller.enqueue(text('ready', { as_of: world.now }))
      },
    })
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
  })
  return feed
}
