/** A question to whoever sits at the terminal; of a secret that is typed or pasted there nothing is shown. */

import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text as wholeText } from 'node:stream/consumers'

/** Nothing where it is left without an answer, as by Ctrl-D. */
export async function askTerminal(question: string, isHidden = false): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const output = isHidden ? silent : process.stderr
  const asked = createInterface({ input: process.stdin, output, terminal: true })
  // The terminal echoes until it is listened to, so the question comes after.
  process.stderr.write(question)
  try {
    const [answer] = await Promise.race([once(asked, 'line'), once(asked, 'close')])
    return typeof answer === 'string' ? answer.trim() : ''
  } finally {
    asked.close()
    if (isHidden) process.stderr.write('\n')
  }
}

/** Through a pipe it is the whole of standard input. */
export async function readSecret(question: string): Promise<string> {
  return process.stdin.isTTY ? askTerminal(question, true) : (await wholeText(process.stdin)).trim()
}
