/** Hands an order to a script of another language and takes what it prints: the tokens, or what its library raised. */

import { fileURLToPath } from 'node:url'
import { run } from '../../packages/server/test/platforms/dev-instance.ts'

interface Surroundings {
  readonly ca: string
  readonly environment: Record<string, string>
}

/** Throws what the library has raised, in its own words. */
export async function runScript(
  program: string,
  script: string,
  order: object,
  surroundings: Surroundings,
): Promise<string[]> {
  const file = fileURLToPath(new URL(`clients/${script}`, import.meta.url))
  const { stdout, stderr } = await run(program, [file], { ...surroundings, input: JSON.stringify(order) })
  if (!stdout.startsWith('{')) throw new Error(`${script} printed nothing: ${stderr}`)
  const { tokens, error } = JSON.parse(stdout) as { tokens?: string[]; error?: string }
  if (!tokens) throw new ReportedError(error)
  return tokens
}

/** Its message begins with the name of the other language's error. */
class ReportedError extends Error {
  override readonly name = 'ReportedError'
}
