/** Finds where one HTTP/1.1 reply ends in the bytes received so far, and what its status is: all the load generator asks of HTTP. */
const endOfHead = Buffer.from('\r\n\r\n')
const endOfLine = Buffer.from('\r\n')
const incomplete = -1

/** The number of bytes the first reply in `buffer[0..length)` takes, or -1 while it is incomplete. */
export function replyLength(buffer: Buffer, length: number): number {
  const headLength = buffer.indexOf(endOfHead)
  if (headLength < 0 || headLength + endOfHead.length > length) return incomplete
  const head = buffer.toString('latin1', 0, headLength)
  const bodyStart = headLength + endOfHead.length
  const declared = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (declared) {
    const end = bodyStart + Number(declared[1])
    return end <= length ? end : incomplete
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return chunkedEnd(buffer, bodyStart, length)
  throw new Error(`a reply with neither Content-Length nor chunked encoding:\n${head}`)
}

function chunkedEnd(buffer: Buffer, bodyStart: number, length: number): number {
  let position = bodyStart
  for (;;) {
    const lineEnd = buffer.indexOf(endOfLine, position)
    if (lineEnd < 0 || lineEnd >= length) return incomplete
    const size = Number.parseInt(buffer.toString('latin1', position, lineEnd), 16)
    if (Number.isNaN(size)) throw new Error('a chunk size that is no number')
    // Trailers are not expected of a token endpoint: after the last chunk only the empty line.
    position = lineEnd + endOfLine.length + size + endOfLine.length
    if (position > length) return incomplete
    if (size === 0) return position
  }
}

/** "HTTP/1.1 200": compared by bytes, because it happens for each reply. */
export function isOk(buffer: Buffer): boolean {
  return buffer[9] === 0x32 && buffer[10] === 0x30 && buffer[11] === 0x30
}
