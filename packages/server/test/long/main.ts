/**
 * `npm run test:long`: what takes too long for every `npm test`, one after the other, because some of it looks at the
 * clock. Ends with 1 when anything fails.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Step {
  readonly about: string
  readonly arguments: readonly string[]
}

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const inFull = (path: string): readonly string[] => ['--test', '--test-reporter=spec', at(path)]

const propertyTests = globSync(at('../../../*/test/**/*.test.ts')).filter((file) =>
  readFileSync(file, 'utf8').includes('/test/property.ts'),
)

const steps: readonly Step[] = [
  {
    about: `properties: ${propertyTests.length} files with other examples, twenty times as many`,
    arguments: ['--test', '--test-reporter=spec', ...propertyTests],
  },
  {
    about: 'R1: 200 × kill -9 on SQLite and on PostgreSQL',
    arguments: inFull('../durability/crash.test.ts'),
  },
  { about: 'R2: flushed before the answer', arguments: inFull('../durability/flush.test.ts') },
  {
    about: 'R3: 1,000 races of 50 at two processes, of each kind',
    arguments: inFull('../durability/once.test.ts'),
  },
  {
    about: 'soak: everything at once at two processes, ten minutes on each database',
    arguments: inFull('../durability/soak.test.ts'),
  },
  { about: 'R6: 200 rotations of signing keys', arguments: inFull('../keys/rotation.test.ts') },
  {
    about: 'R6: ten rotations in ten minutes at 200 tokens a second, under jose, Authlib and go-oidc',
    arguments: inFull('../../../../clients/test/rotation.test.ts'),
  },
  { about: 'R7: the master key rotated and killed, 50 times', arguments: [at('master-key.ts')] },
  { about: 'R20: whether time tells an unknown client from a wrong secret', arguments: [at('timing.ts')] },
]

const failed = steps.filter(({ about, arguments: given }) => {
  console.log(`▸ ${about} …`)
  const env = { ...process.env, TEST_LENGTH: 'long' }
  return spawnSync(process.execPath, given, { stdio: 'inherit', env }).status !== 0
})
for (const { about } of failed) console.log(`▸ FAILED: ${about}`)
process.exitCode = failed.length > 0 ? 1 : 0
