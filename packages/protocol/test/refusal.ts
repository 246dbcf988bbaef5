/** What a refusal said, for the tests of parsers. */
import assert from 'node:assert/strict'
import { OAuthError, type OAuthErrorCode } from '../src/index.ts'

/** Runs a parser that must refuse, and gives the error; the code is checked here. */
export function refusalOf(code: OAuthErrorCode, parse: () => unknown): OAuthError {
  const outcome = outcomeOf(parse)
  assert.ok(outcome instanceof OAuthError, `nothing refused, got ${JSON.stringify(outcome)}`)
  assert.equal(outcome.code, code)
  return outcome
}

/** The result of a parser, or the OAuthError it refused with; any other throw is a bug and passes through. */
export function outcomeOf<Result>(parse: () => Result): Result | OAuthError {
  try {
    return parse()
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
}
