/**
 * A request of node:http that hands its body over as it arrives. The way through a stream, with its events and the
 * ticks between them, costs a token request more than its authentication does.
 */
import { IncomingMessage } from 'node:http'

/** Who takes a body. */
export interface BodySink {
  take(chunk: Buffer): void
  end(): void
}

export class RequestMessage extends IncomingMessage {
  #sink: BodySink | undefined
  #hasBegun = false

  /** All that has come and will come goes to the sink; from now on it is the only reader. */
  handTo(sink: BodySink): void {
    if (!this.#hasBegun) {
      this.#sink = sink
      return
    }
    // What has come stands in the stream, and only the stream says when that was read.
    this.on('data', sink.take)
    this.on('end', sink.end)
  }

  /** Whatever comes now waits in the stream, as with any other message. */
  takeFrom(sink: BodySink): void {
    this.#sink = undefined
    this.off('data', sink.take)
    this.off('end', sink.end)
    this.pause()
  }

  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    this.#hasBegun = true
    const sink = this.#sink
    if (sink === undefined) return super.push(chunk, encoding)
    if (chunk !== null) sink.take(chunk)
    else {
      // An idle connection keeps its last message, which would keep the body.
      this.#sink = undefined
      sink.end()
    }
    return true
  }
}
