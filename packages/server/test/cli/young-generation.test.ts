// Decision 0028: what the process takes for new objects is bounded, on whatever machine and however it was started.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const megabyte = 1024 * 1024
const module = new URL('../../src/cli/young-generation.ts', import.meta.url).href

/** Allocates in turns, with enough that lives on for V8 to want more room, and says how much it took. */
const program = (bound: string) => `
  import { boundYoungGeneration } from '${module}'
  import { setImmediate as turn } from 'node:timers/promises'
  import { getHeapSpaceStatistics } from 'node:v8'
  ${bound}
  let kept = []
  for (let made = 0; made < 4_000_000; made += 1) {
    const one = { made, list: [made] }
    if (made % 40 === 0 && kept.push(one) > 20_000) kept = []
    if (made % 10_000 === 0) await turn()
  }
  console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size)
`

async function megabytesTaken(bound: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    program(bound),
  ])
  return Number(stdout) / megabyte
}

test('decision 0028: the young generation stops growing soon after its bound', async () => {
  const bounded = await megabytesTaken('boundYoungGeneration(8 * 1024 * 1024)')
  assert.ok(bounded >= 8 && bounded <= 16, `${bounded} MB`)
})
