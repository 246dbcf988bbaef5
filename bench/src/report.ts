/** Prints a row's results as a table: who, how many a second, how late, how big, and which goals are met. */
import type { Measured } from './rounds.ts'
import type { Verdict } from './row.ts'
import type { RowResult } from './run-row.ts'

const busyShare = 0.95
const headings = ['', 'req/s', 'per CPU s', 'p50 ms', 'p99 ms', 'max ms', 'RSS MB', 'peak MB', '']

export function rowReport(result: RowResult): string {
  const lines = [`${result.name}: ${result.title}`]
  if (result.measured.length > 0) lines.push(...table([headings, ...result.measured.map(cells)]))
  lines.push(...result.verdicts.map(verdictLine))
  return lines.join('\n')
}

function cells(measured: Measured): string[] {
  const notes = [measured.detail ?? '', measured.loadBusy > busyShare ? 'the load process was the limit' : '']
  return [
    measured.name,
    thousands(measured.perSecond),
    thousands(measured.perCpuSecond),
    measured.p50.toFixed(2),
    measured.p99.toFixed(2),
    measured.max.toFixed(1),
    measured.residentMegabytes.toFixed(0),
    measured.peakMegabytes.toFixed(0),
    notes.filter((note) => note !== '').join('; '),
  ]
}

function verdictLine({ about, goal, found, met }: Verdict): string {
  if (goal === undefined) return `        ${about}: ${found}`
  return `  ${met ? 'pass' : 'MISS'}  ${about}: ${found}, goal ${goal}`
}

function thousands(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '–'
}

function table(lines: readonly (readonly string[])[]): string[] {
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines.map((line) => {
    const [name = '', ...figures] = line
    const notes = figures.pop() ?? ''
    const aligned = figures.map((figure, index) => figure.padStart(widths[index + 1] ?? 0))
    return `  ${name.padEnd(widths[0] ?? 0)}  ${aligned.join('  ')}  ${notes}`.trimEnd()
  })
}
