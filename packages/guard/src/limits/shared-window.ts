/** sliding-window.ts as a script that Redis and Valkey run: atomic, and by their clock, so that processes whose clocks differ agree. */

import type { Limit } from './limit.ts'
import { type BucketState, partOf, type Standing } from './sliding-window.ts'

/**
 * What is kept under the key: how many stand in the last part, then the instants. It expires when it is empty. The
 * last argument is what the process has passed without asking, ages and counts by turns.
 */
export const takeScript = `
local requests, window, part = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local starts, last = {}, nil
for word in string.gmatch(redis.call('GET', KEYS[1]) or '', '%d+') do
  if last then starts[#starts + 1] = tonumber(word) else last = tonumber(word) end
end

local ahead = math.max((starts[#starts] or now) - now, 0)
local kept = {}
for _, start in ipairs(starts) do
  if start - ahead > now - window then kept[#kept + 1] = start - ahead end
end

local told = {}
for age, count in string.gmatch(ARGV[4], '(%d+) (%d+)') do
  if tonumber(age) < window then told[#told + 1] = { now - age, tonumber(count) } end
end
if #told > 0 then
  for index, start in ipairs(kept) do told[#told + 1] = { start, index < #kept and part or last } end
  table.sort(told, function(one, other) return one[1] < other[1] end)
  kept, last = {}, part
  for _, counted in ipairs(told) do
    local start, left = counted[1], counted[2]
    while left > 0 do
      if last == part then
        kept[#kept + 1] = start
        last = 0
      end
      local moved = math.min(left, part - last)
      last = last + moved
      left = left - moved
    end
  end
  while #kept > 1 and (#kept - 2) * part + last >= requests do table.remove(kept, 1) end
end

local used = #kept == 0 and 0 or (#kept - 1) * part + last
local allowed = used < requests
if allowed then
  used = used + 1
  if #kept > 0 and last < part then
    last = last + 1
  else
    kept[#kept + 1] = now
    last = 1
  end
end
if allowed or ahead > 0 or #told > 0 then
  local words = { string.format('%.0f', last) }
  for _, start in ipairs(kept) do words[#words + 1] = string.format('%.0f', start) end
  redis.call('SET', KEYS[1], table.concat(words, ' '), 'PX', kept[#kept] + window - now)
end

local state = { string.format('%.0f', last or 0) }
for _, start in ipairs(kept) do state[#state + 1] = string.format('%.0f', now - start) end
local oldest, newest = kept[1] or now, kept[#kept] or now
return { allowed and 1 or 0, used, oldest + window - now, newest + window - now, table.concat(state, ' ') }
`

/** Requests that passed without the others being asked: how many, and how many milliseconds ago. */
export type Told = readonly (readonly [age: number, count: number])[]

export const takeArguments = (limit: Limit, told: Told = []): string[] => [
  ...[limit.requests, limit.windowSeconds * 1000, partOf(limit)].map(String),
  told.map(([age, count]) => `${Math.max(0, Math.round(age))} ${count}`).join(' '),
]

export interface SharedAnswer {
  readonly standing: Standing
  /** The bucket as Redis has it. Text, for it is seldom read. */
  readonly state: string
}

/** Some clients answer integers as text. */
export function readAnswer(reply: unknown): SharedAnswer {
  const [state, ...numbers] = Array.isArray(reply) ? reply.map(String).reverse() : []
  const [millisecondsToFull, millisecondsToNext, used, allowed] = numbers.map(Number)
  const read = { used, millisecondsToNext, millisecondsToFull }
  if (!isComplete(read) || state === undefined || !/^\d+( \d+)*$/.test(state))
    throw new Error('The answer of the script is not four numbers and a bucket.')
  return { standing: { isAllowed: allowed === 1, ...read }, state }
}

type Numbers = Omit<Standing, 'isAllowed'>

const isComplete = (read: { readonly [name in keyof Numbers]: number | undefined }): read is Numbers =>
  Object.values(read).every(Number.isSafeInteger)

export function readState(state: string): BucketState {
  const [inLastPart = 0, ...ages] = state.split(' ').map(Number)
  return { inLastPart, ages }
}
