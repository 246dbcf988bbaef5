/** What Linux tells about a running process: CPU time and resident memory; NaN elsewhere. */
import { readFileSync } from 'node:fs'

// USER_HZ: what the kernel reports to programs, 100 on every Linux that Node runs on.
const ticksPerSecond = 100

export function cpuSecondsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  // The name in parentheses may hold spaces: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export interface Memory {
  readonly residentMegabytes: number
  readonly peakMegabytes: number
}

export function memoryOf(pid: number): Memory {
  const status = read(`/proc/${pid}/status`)
  const megabytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { residentMegabytes: megabytes('VmRSS'), peakMegabytes: megabytes('VmHWM') }
}

/** The cores this process may use, as the kernel lists them ("0-3,8"). */
export function allowedCores(): readonly number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(read('/proc/self/status'))?.[1] ?? ''
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number)
    return Number.isNaN(first) || part === ''
      ? []
      : Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
