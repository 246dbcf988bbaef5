#!/usr/bin/env node
/** The bin: keeps the compiled code of an earlier run, then runs the command line. */

import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Compiling is two thirds of a start. Not in the shared temporary folder, where others could leave code for us; where
// this folder cannot be written, Node goes without.
enableCompileCache(join(import.meta.dirname, '../../../../node_modules/.cache/sallyport'))

const { runCommandLine } = await import('./command-line.ts')
await runCommandLine(process.argv[2])
