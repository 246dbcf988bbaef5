/**
 * A request of node:http that hands its body over as it arrives. The way through a stream, with its events and the
 * ticks between them, costs a token request more than its authentication does.
 */
import { IncomingMessage } from 'node:http'

/** Who takes a body. */
export interface BodySink {
  take(chunk: Buffer): void
  end(): void
  /** The connection is gone, and the rest with it. */
  lost(): void
}

export class RequestMessage extends IncomingMessage {
  #sink: BodySink | undefined
  /** Something of the body has gone into the stream, so the rest has to: only the stream says when that was read. */
  #isStreamed = false

  /** All that has come and will come goes to the sink; from now on it is the only reader. */
  handTo(sink: BodySink): void {
    this.#sink = sink
    // Node tells whoever listens of a connection lost in the middle, and nobody else.
    this.on('error', sink.lost)
    if (!this.#isStreamed) return
    this.on('data', sink.take)
    this.once('end', () => this.#end(sink))
  }

  /** The sink hears no more, not even of the end; what still comes waits until somebody resumes the message. */
  release(): void {
    const sink = this.#sink
    if (sink === undefined) return
    this.#forget(sink)
    this.pause()
  }

  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    const sink = this.#sink
    if (sink === undefined || this.#isStreamed) {
      this.#isStreamed = true
      return super.push(chunk, encoding)
    }
    if (chunk !== null) sink.take(chunk)
    else this.#end(sink)
    return true
  }

  #end(sink: BodySink): void {
    if (this.#sink !== sink) return
    this.#forget(sink)
    sink.end()
  }

  /** An idle connection keeps its last message, which would keep the body. */
  #forget(sink: BodySink): void {
    this.#sink = undefined
    this.off('error', sink.lost)
    if (this.#isStreamed) this.off('data', sink.take)
  }
}
