/** What Linux tells about a running process and those it has started: CPU time and resident memory; NaN elsewhere. */
import { readFileSync } from 'node:fs'

// USER_HZ: what the kernel reports to programs, 100 on every Linux that Node runs on.
const ticksPerSecond = 100

export const cpuSecondsOf = (pid: number): number => sum(familyOf(pid).map(ownCpuSeconds))

function ownCpuSeconds(pid: number): number {
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
  const statuses = familyOf(pid).map((member) => read(`/proc/${member}/status`))
  const megabytes = (field: string) =>
    sum(statuses.map((text) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]))) / 1024
  return { residentMegabytes: megabytes('VmRSS'), peakMegabytes: megabytes('VmHWM') }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

/** The process and its workers. */
function familyOf(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((text) => text.trim() !== '')
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))]
}

/** The cores a process may use, as the kernel lists them ("0-3,8"); none where nobody knows. */
export function allowedCores(pid: number | 'self' = 'self'): readonly number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? ''
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
