/** What cannot be undone is not done by a slip: its name is asked for, or `--yes` where nobody can be asked. */

import { ConfigRefused } from '../../config.ts'
import type { OperationDescription } from '../../management/description.ts'
import { terminalText } from '../standard-input.ts'
import { askTerminal } from './ask-terminal.ts'

type Body = Readonly<Record<string, unknown>>

/** Whether anything stops working for somebody. `now` is in epoch seconds. */
export function destroys({ kind, method, command }: OperationDescription, body: Body, now: number): boolean {
  if (kind !== 'write') return false
  // What is made switched off has never worked for anybody.
  const switchesOff = method === 'PATCH' && (body.disabled === true || isOver(body, now))
  return method === 'DELETE' || /\brevo/.test(command) || switchesOff || isAtOnce(body)
}

const isOver = ({ expires_at: expiresAt }: Body, now: number): boolean =>
  typeof expiresAt === 'number' && expiresAt <= now

/** What else is rotated goes on for a while beside what comes after it. */
const isAtOnce = ({ emergency, overlap_seconds: overlap }: Body): boolean =>
  emergency === true || overlap === 0

/** Throws `ConfigRefused` without a yes. `sentence` says what is destroyed, `name` is what is asked for, `place` where. */
export async function confirm(sentence: string, name: string, place: string): Promise<void> {
  refuseUnasked(sentence)
  await askName(sentence, name, place)
}

/** What an operation is about tells whoever is asked, and reads as an order where nobody can be. */
export async function confirmOperation(
  { command, about }: OperationDescription,
  name: string,
  place: string,
): Promise<void> {
  refuseUnasked(`${command} of ${terminalText(name)}.`)
  await askName(about, name, place)
}

function refuseUnasked(sentence: string): void {
  if (!process.stdin.isTTY)
    throw new ConfigRefused(
      `This cannot be undone: ${sentence} Say --yes, as there is no terminal to ask at.`,
    )
}

async function askName(sentence: string, name: string, place: string): Promise<void> {
  const answer = await askTerminal(
    `${sentence}\nThis is ${terminalText(name)} at ${terminalText(place)}. Type the name to go on: `,
  )
  if (answer !== name) throw new ConfigRefused('That is not its name. Nothing was changed.')
}
