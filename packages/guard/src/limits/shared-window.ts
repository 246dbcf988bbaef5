/** sliding-window.ts as a script that Redis and Valkey run: atomic, and by their clock, so that processes whose clocks differ agree. */

import type { Limit } from './limit.ts'
import { partOf, type Standing } from './sliding-window.ts'

/** What is kept under the key: how many stand in the last part, then the instants. It expires when it is empty. */
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
if allowed or ahead > 0 then
  local words = { string.format('%.0f', last) }
  for _, start in ipairs(kept) do words[#words + 1] = string.format('%.0f', start) end
  redis.call('SET', KEYS[1], table.concat(words, ' '), 'PX', kept[#kept] + window - now)
end
return { allowed and 1 or 0, used, (kept[1] or now) + window - now, (kept[#kept] or now) + window - now }
`

export const takeArguments = (limit: Limit): string[] =>
  [limit.requests, limit.windowSeconds * 1000, partOf(limit)].map(String)

/** Some clients answer integers as text. */
export function readStanding(reply: unknown): Standing {
  const [allowed, used, millisecondsToNext, millisecondsToFull] = Array.isArray(reply)
    ? reply.map(Number)
    : []
  const read = { used, millisecondsToNext, millisecondsToFull }
  if (!isComplete(read)) throw new Error('The answer of the script is not four numbers.')
  return { isAllowed: allowed === 1, ...read }
}

type Numbers = Omit<Standing, 'isAllowed'>

const isComplete = (read: { readonly [name in keyof Numbers]: number | undefined }): read is Numbers =>
  Object.values(read).every(Number.isSafeInteger)
