/** Which variables of the environment are settings: ours begin with SALLYPORT_, and so do some that are none. */

const prefix = 'SALLYPORT_'
/** What the variable of a setting is called. */
export const variableOf = (name: string) => `${prefix}${name.toUpperCase()}`
// Of tests and the bench, and of the commands that ask a running server (cli/manage/connection.ts, cli/token-client.ts):
// whoever has set them may start a server in the same shell.
const foreignVariables =
  /^SALLYPORT_(?:(?:TEST|BENCH)_|(?:VECTORS|URL|PROFILE|CA|CLIENT_ID|CLIENT_SECRET|CLIENT_SECRET_FILE)$)/

const linkNames = /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/
const linkedPort = /^\w+_PORT=(?:tcp|udp|sctp):\/\//

/**
 * What Kubernetes tells each pod of a Service named `sallyport` or `sallyport-metrics`. The name of a setting is among
 * it, `SALLYPORT_METRICS_PORT`, but with a URL, which no port is.
 */
const isServiceLink = (name: string, raw: string): boolean =>
  linkNames.test(name) || linkedPort.test(`${name}=${raw}`)

const isOurs = (name: string, raw: string): boolean =>
  name.startsWith(prefix) && !foreignVariables.test(name) && !isServiceLink(name, raw)

/** Those that mean a setting, or are meant to, by the name that the setting would have. */
export const variablesIn = (
  environment: Readonly<Record<string, string | undefined>>,
): (readonly [name: string, raw: unknown])[] =>
  Object.entries(environment)
    .filter(([name, raw]) => raw !== undefined && isOurs(name, raw))
    .map(([name, raw]) => [name.slice(prefix.length).toLowerCase(), raw] as const)
