/** The configuration of the server, for commands that are not the server. */

import { readFileSync } from 'node:fs'
import { type Config, readConfig } from '../config.ts'
import { readConfigFile } from './config-file.ts'

export const readServerConfig = (file: string): Config =>
  readConfig({
    file: readConfigFile(file),
    environment: process.env,
    flags: {},
    readFile: (path) => readFileSync(path, 'utf8'),
  })
