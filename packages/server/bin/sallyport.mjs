#!/usr/bin/env node
// The command `sallyport`: sets up V8 and signals, keeps the compiled code of an earlier run, then runs the command line.
//
// In JavaScript, because what is loaded before the cache is on is not in it: for one file of TypeScript each command would
// load all that Node strips types with, which takes 13 MB and a third of the time of a short command.

import module from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

const oldestNode = 24

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  console.error(
    `Sallyport runs on Node.js ${oldestNode} or newer; this is ${process.version}. ` +
      '`npm run sallyport -- …` brings one that is.',
  )
  process.exit(1)
}

// No object of a request lives long, but those of requests that wait for the disk outlive a collection or two. V8 would
// conclude that their kind is long-lived and make them old at birth, for good: a third less throughput (decision 0016).
setFlagsFromString('--no-allocation-site-pretenuring')
// Hot functions would stay in the code of the middle compiler, some at each start (decision 0018).
setFlagsFromString('--no-maglev')
// A request passes through many small functions, and V8 stops putting them into each other rather early (decision 0031).
setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000')
setFlagsFromString('--max-inlined-bytecode-size=1000')

// Compiling is two thirds of a start. Not in the shared temporary folder, where others could leave code for us; where
// this folder cannot be written, Node goes without. Threads and child processes know it by the environment alone.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../../../node_modules/.cache/sallyport')
module.enableCompileCache()

// A server that still starts is told to reload as one that runs: left alone, this signal ends the process, and systemd
// takes that for a clean end. What it asks to be read again is about to be read.
if (process.argv[2] === 'serve') process.on('SIGHUP', () => {})

const { runCommandLine } = await import('../src/cli/command-line.ts')
await runCommandLine(process.argv.slice(2))
