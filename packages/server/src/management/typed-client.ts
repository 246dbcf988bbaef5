/** A client of the management API with a method for each operation; what goes in and comes out is typed by the table. */

import type { Static, TObject, TSchema } from 'typebox'
import { type ClientDeps, createManagementClient } from './client.ts'
import { describedOperations } from './described-operations.ts'
import type { ParamsOf } from './operation.ts'
import type { KnownOperation } from './operations.ts'

export type OperationId = KnownOperation['id']

/** `client.readApp({ tenant: 'acme', app })`: the names in the path beside what else the call says. */
export type TypedClient = {
  readonly [Each in KnownOperation as Each['id']]: (
    ...terms: Partial<TermsOf<Each>> extends TermsOf<Each> ? [terms?: TermsOf<Each>] : [terms: TermsOf<Each>]
  ) => Promise<TypedAnswer<AnswerOf<Each>>>
}

/** What an operation takes, by its id: `Terms<'createApp'>['body']`. */
export type Terms<Id extends OperationId> = TermsOf<ById[Id]>
/** What it answers: `Answer<'readApp'>`. */
export type Answer<Id extends OperationId> = AnswerOf<ById[Id]>

export interface TypedAnswer<Body> {
  readonly body: Body
  readonly etag: string | null
}

type ById = { readonly [Each in KnownOperation as Each['id']]: Each }

type TermsOf<Each extends KnownOperation> = Readonly<Record<ParamsOf<Each['path']>, string>> &
  QueryTerms<Each> &
  BodyTerms<Each> &
  HeaderTerms<Each['method']>

type QueryTerms<Each extends KnownOperation> = Each['kind'] extends 'list'
  ? { readonly query?: OwnQuery<Each['query']> & { readonly cursor?: string; readonly limit?: number } }
  : Each['query'] extends TObject
    ? { readonly query?: OwnQuery<Each['query']> }
    : unknown

type OwnQuery<Query> = Query extends TObject ? Static<Query> : unknown

type BodyTerms<Each extends KnownOperation> = Each['body'] extends TSchema
  ? { readonly body: Each['method'] extends 'PATCH' ? Patch<Static<Each['body']>> : Static<Each['body']> }
  : unknown

/** RFC 7396: what is left out stays, and null takes away. */
type Patch<Whole> = Whole extends readonly unknown[]
  ? Whole
  : Whole extends object
    ? { readonly [Name in keyof Whole]?: Patch<Whole[Name]> | null }
    : Whole

type HeaderTerms<Method> = Method extends 'PATCH'
  ? { readonly ifMatch: string; readonly idempotencyKey?: string }
  : Method extends 'DELETE'
    ? { readonly ifMatch?: string; readonly idempotencyKey?: string }
    : Method extends 'POST'
      ? { readonly idempotencyKey?: string }
      : unknown

type AnswerOf<Each extends KnownOperation> = Each['output'] extends TSchema
  ? Each['kind'] extends 'list'
    ? { readonly items: readonly Static<Each['output']>[]; readonly next_cursor: string | null }
    : Static<Each['output']>
  : null

export function createTypedClient(deps: ClientDeps): TypedClient {
  const client = createManagementClient(deps)
  // Only the names in the path are taken from `params`.
  const methods = describedOperations.map(({ id }) => [
    id,
    (terms: Record<string, never> = {}) => client.call(id, { ...terms, params: terms }),
  ])
  return Object.fromEntries(methods)
}
