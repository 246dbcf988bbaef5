/** What was written, on the disk for good, a power cut or not. */

import { closeSync, fsyncSync, openSync } from 'node:fs'

export const flushFile = (file: string): void => flush(file, 'r+')

/** The name of a new file is a change of its folder; Windows has no such flush. */
export function flushFolder(folder: string): void {
  if (process.platform !== 'win32') flush(folder, 'r')
}

function flush(path: string, flags: 'r' | 'r+'): void {
  const descriptor = openSync(path, flags)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
