/** Server-sent events, as the HTML standard's section 9.2.6 reads a stream. */

export interface ServerEvent {
  readonly type: string
  readonly data: string
  /** The last `id` of the stream up to here. */
  readonly lastEventId: string
}

const longestEvent = 1_000_000

/** Takes the stream in pieces as they come. Throws `RangeError` for an event that does not end. */
export function createEventReader(onEvent: (event: ServerEvent) => void): (piece: string) => void {
  let rest = ''
  let type = ''
  let data: string[] = []
  let length = 0
  let lastEventId = ''

  const field = (name: string, value: string): void => {
    if (name === 'event') type = value
    else if (name === 'data') data.push(value)
    else if (name === 'id' && !value.includes('\0')) lastEventId = value
  }
  const line = (text: string): void => {
    length += text.length + 1
    if (text !== '') {
      const colon = text.indexOf(':')
      if (colon < 0) field(text, '')
      else if (colon > 0) field(text.slice(0, colon), text.slice(colon + 1).replace(/^ /, ''))
      return
    }
    const event = { type: type === '' ? 'message' : type, data: data.join('\n'), lastEventId }
    const isEvent = data.length > 0
    type = ''
    data = []
    length = 0
    if (isEvent) onEvent(event)
  }
  return (piece) => {
    rest += piece
    // A lone CR may be half of a line's end that is still to come.
    for (let end = /\r\n|\n|\r(?!$)/.exec(rest); end !== null; end = /\r\n|\n|\r(?!$)/.exec(rest)) {
      const text = rest.slice(0, end.index)
      rest = rest.slice(end.index + end[0].length)
      line(text)
    }
    if (length + rest.length > longestEvent) throw new RangeError('an event of the stream is too long')
  }
}
