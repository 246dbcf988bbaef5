/** The bench's command line. */
import { parseArgs } from 'node:util'
import type { Pace } from './rounds.ts'
import type { Row } from './row.ts'
import { rows } from './rows.ts'

export interface Options {
  readonly rows: readonly Row[]
  readonly pace: Pace
  readonly node: string
  /** How many apps the million row has. */
  readonly manyApps: number
  /** Where prepared data folders stay for the next run. */
  readonly keep: string | undefined
  readonly json: boolean
  readonly check: boolean
  readonly help: boolean
}

export const usage = `npm run bench -- [options]
  --rows LIST         of ${rows.map(({ name }) => name).join(',')} (default: all)
  --rounds N          interleaved rounds (9)
  --seconds S         measured per contestant and round (1)
  --warmup S          before that (0.3)
  --settle S          load on each contestant before the first round (10; up to three times that for 60,000 replies)
  --connections N     keep-alive connections (32)
  --apps N            apps of the row with many of them (1000000)
  --keep DIR          keep the prepared data folders there for the next run
  --node PATH         run the contestants on another Node.js
  --short             one round of 0.3 s, 2000 apps and bad tokens for a million: does everything run?
  --check             exit 1 when a goal is missed
  --json              for machines`

export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rows: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      settle: { type: 'string' },
      connections: { type: 'string' },
      apps: { type: 'string' },
      keep: { type: 'string' },
      node: { type: 'string' },
      short: { type: 'boolean' },
      check: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  const short = values.short === true
  return {
    rows: values.rows === undefined ? rows : values.rows.split(',').map(rowNamed),
    pace: {
      rounds: positive('rounds', values.rounds, short ? 1 : 9),
      seconds: positive('seconds', values.seconds, short ? 0.3 : 1),
      warmupSeconds: positive('warmup', values.warmup, short ? 0.05 : 0.3),
      settleSeconds: positive('settle', values.settle, short ? 0.05 : 10),
      connections: positive('connections', values.connections, 32),
    },
    manyApps: positive('apps', values.apps, short ? 2000 : 1_000_000),
    keep: values.keep,
    node: values.node ?? process.execPath,
    json: values.json === true,
    check: values.check === true,
    help: values.help === true,
  }
}

function rowNamed(name: string): Row {
  const row = rows.find((candidate) => candidate.name === name)
  if (!row) throw new Error(`no row "${name}"; rows are ${rows.map((known) => known.name).join(', ')}`)
  return row
}

function positive(option: string, given: string | undefined, otherwise: number): number {
  const value = given === undefined ? otherwise : Number(given)
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0, not "${given}"`)
  return value
}
