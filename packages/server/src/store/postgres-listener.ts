/** One connection that only listens, and is made anew whenever it is lost. */

import pg from 'pg'
import { defaultTimeoutMilliseconds, hotConfig } from './postgres-driver.ts'

export const changesChannel = 'sallyport_changes'

const reconnectMilliseconds = 250
/** A connection cut without a word looks alive for minutes, unless it is asked. */
const heartbeatMilliseconds = 5000

/** Calls `onNews` for every notification, and after each connection for what was said in between. */
export function listen(url: string, onNews: () => void): () => void {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let client: pg.Client | undefined

  const after = (milliseconds: number, run: () => void) => {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(run, milliseconds).unref()
  }

  const connect = () => {
    const current = new pg.Client({
      ...hotConfig(url, defaultTimeoutMilliseconds),
      application_name: 'sallyport listener',
    })
    client = current
    const lost = () => {
      if (client !== current) return
      client = undefined
      current.end().catch(() => {})
      after(reconnectMilliseconds, connect)
    }
    const beat = () =>
      current.query('select 1').then(() => client === current && after(heartbeatMilliseconds, beat), lost)
    current.on('error', lost)
    current.on('end', lost)
    current.on('notification', onNews)
    current
      .connect()
      .then(() => current.query(`listen ${changesChannel}`))
      .then(() => {
        onNews()
        after(heartbeatMilliseconds, beat)
      })
      .catch(lost)
  }

  connect()
  return () => {
    stopped = true
    clearTimeout(timer)
    const last = client
    client = undefined
    last?.end().catch(() => {})
  }
}
