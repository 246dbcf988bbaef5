/** The same URL on another port. */
export function withPort(url: URL, port: number): URL {
  const other = new URL(url)
  other.port = String(port)
  return other
}
