#!/usr/bin/env node
/** The command line: a new command is a file beside this one and a line here. */

import { Command } from 'commander'
import { registerApply } from './apply.ts'
import { registerDev } from './dev.ts'
import { exitCodeOf, sentenceOf } from './failure.ts'
import { registerInspect } from './inspect.ts'
import { registerServe } from './serve.ts'

const program = new Command('sallyport')
  .description('A self-hosted authorization server for API companies.')
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed or not good, 2 refused input, 3 the database or a port cannot be used.',
  )

for (const register of [registerDev, registerServe, registerApply, registerInspect]) register(program)

program.exitOverride((error) => {
  // Commander has printed what it had to say; 2 is refused input.
  process.exit(error.exitCode === 0 ? 0 : 2)
})

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${sentenceOf(error)}\n`)
  process.exit(exitCodeOf(error))
}
