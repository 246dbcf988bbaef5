/**
 * What an operation of the management API is: data, from which come its route, its checks, its line in the OpenAPI
 * document, its command, and its row in the permission matrix.
 */

import type { Static, TObject, TSchema } from 'typebox'
import type { Effects } from '../effects.ts'
import type { Sealer } from '../keys/sealing.ts'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { FindReachable } from '../outbound/reachable.ts'
import type { Database, WriteTransaction } from '../store/database.ts'
import type { Caller } from './caller.ts'
import type { Permission } from './permissions.ts'
import type { ProblemCode } from './problem.ts'

/** Where a find or a read looks: the database, or the transaction of a write. */
export type From = Pick<Database, 'kysely'>

/** Where something lies: which memberships reach it. */
export interface Place {
  /** Null for the server as a whole. */
  readonly tenantId: string | null
  /** Null for the tenant as a whole. */
  readonly organizationId: string | null
}

export const serverPlace: Place = { tenantId: null, organizationId: null }

/** What an operation is about, as it is now. */
export interface Target {
  readonly place: Place
  /** A noun and its id, for the audit chain: `app billing-sync`. */
  readonly name: string
  /** As the API shows it; left out where the operation is about what does not exist yet, or about a list. */
  readonly value?: object
}

export interface Call<Params extends string, Query, Body, Found extends Target = Target> {
  readonly params: Readonly<Record<Params, string>>
  readonly query: Query
  readonly body: Body
  readonly target: Found
  readonly caller: Caller
}

/** With what was made beforehand. */
type Prepared<Of, Result> = Of & { readonly prepared: Result }

export interface OperationDeps {
  readonly db: Database
  readonly hasher: SecretHasher
  readonly sealer: Sealer
  readonly effects: Effects
  readonly baseUrl: URL
  /** Takes the network's time, so it is never asked within a transaction. */
  readonly findReachable: FindReachable
}

/** What a writing operation has done. */
export interface Written {
  /** The answer; null for none. */
  readonly body: object | null
  /** The state before, where more of it has gone than the target shows. */
  readonly before?: object
  /** The state after, as the API shows it: null where it is gone, left out where it is the body. Never a secret. */
  readonly after?: object | null
  /** Where what was made is found from now on, below the API's root. */
  readonly location?: string
  /** Of what was made: the target named only where it would be. */
  readonly name?: string
  /** Of a tenant that was made: its own chain begins with that. */
  readonly tenantId?: string
  /** What has gone with it in other tenants, whose own chains say it too. */
  readonly elsewhere?: readonly Elsewhere[]
  /** The answer holds a secret, so it is kept nowhere. */
  readonly isSecret?: boolean
}

interface Elsewhere {
  readonly tenantId: string
  /** The operation that does the same there. */
  readonly action: string
  readonly name: string
  readonly before: object
}

export interface Page {
  /** The key after which to begin. */
  readonly after: string | undefined
  readonly limit: number
  /** Epoch seconds. */
  readonly now: number
}

type Example = Readonly<Record<string, unknown>>

interface Common {
  /** Verb and noun, in camel case: the operationId. */
  readonly id: string
  /** The same as a command: `apps list`. */
  readonly command: string
  readonly path: string
  /** One sentence. */
  readonly about: string
  /** Null for what every caller may ask. */
  readonly permission: Permission | null
  /** Whether a member of one organization may see it, because all of the tenant's share it. */
  readonly isShared: boolean
  readonly query: TObject | null
  readonly body: TSchema | null
  /** How many members and items the body may have in all. */
  readonly mostValues: number
  /** What it shows: of a list one item; null for nothing. */
  readonly output: TSchema | null
  /** Beside those that every operation can answer with. */
  readonly problems: readonly ProblemCode[]
  readonly example: { readonly body?: Example; readonly answer: Example | null }
  /** Null where there is nothing of that name. */
  readonly find: (params: Readonly<Record<string, string>>, from: From) => Promise<Target | null>
}

export interface ReadOperation extends Common {
  readonly kind: 'read'
  readonly method: 'GET'
  readonly run: (call: Call<string, unknown, unknown>, from: From, deps: OperationDeps) => Promise<object>
}

export interface ListOperation extends Common {
  readonly kind: 'list'
  readonly method: 'GET'
  /** In the order of `keyOf`; one more than the limit tells that there is another page. */
  readonly run: (call: Call<string, unknown, unknown>, page: Page, from: From) => Promise<readonly object[]>
  readonly keyOf: (item: object) => string
}

export interface WriteOperation extends Common {
  readonly kind: 'write'
  readonly method: 'POST' | 'PATCH' | 'DELETE'
  readonly status: 200 | 201 | 204
  /** What takes its time is made here, before the transaction, while others write; for those alone who may. */
  readonly prepare?: (
    call: Call<string, unknown, unknown>,
    from: From,
    deps: OperationDeps,
  ) => Promise<unknown>
  readonly run: (
    call: Prepared<Call<string, unknown, unknown>, unknown>,
    tx: WriteTransaction,
    deps: OperationDeps,
  ) => Promise<Written>
}

export type Operation = ReadOperation | ListOperation | WriteOperation

/** The names in braces. */
export type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamsOf<Rest>
  : never

type QueryOf<Query> = Query extends TObject ? Static<Query> : Readonly<Record<string, never>>
type BodyOf<Body> = Body extends TSchema ? Static<Body> : null

type ByType = 'id' | 'path' | 'query' | 'body' | 'output' | 'find'

interface Terms<Id extends string, Path extends string, Query, Body, Output, Found extends Target>
  extends Omit<Common, ByType | 'problems' | 'isShared' | 'mostValues'> {
  readonly id: Id
  readonly path: Path
  readonly query?: Query
  readonly body?: Body
  readonly output: Output
  readonly isShared?: boolean
  readonly mostValues?: number
  readonly problems?: readonly ProblemCode[]
  readonly find: (params: Readonly<Record<ParamsOf<Path>, string>>, from: From) => Promise<Found | null>
}

type CallOf<Path extends string, Query, Body, Found extends Target> = Call<
  ParamsOf<Path>,
  QueryOf<Query>,
  BodyOf<Body>,
  Found
>

/** An operation whose schemas are also types, from which `typed-client.ts` makes a client's. */
type Known<Kind extends Operation, Id, Path, Query, Output, Own = unknown> = Omit<
  Kind,
  'id' | 'path' | 'query' | 'output' | keyof Own
> & { readonly id: Id; readonly path: Path; readonly query: Query; readonly output: Output } & Own

// What the three below take apart by type, the pipeline puts together by checking: hence the one cast each.

export const read = <
  const Id extends string,
  const Path extends string,
  Output extends TSchema,
  Found extends Target,
  Query extends TObject | null = null,
>(
  terms: Terms<Id, Path, Query, null, Output, Found> & {
    readonly run: (call: CallOf<Path, Query, null, Found>, from: From, deps: OperationDeps) => Promise<object>
  },
): Known<ReadOperation, Id, Path, Query, Output> =>
  ({ ...defaults, ...terms, kind: 'read', method: 'GET' }) as never

export const list = <
  const Id extends string,
  const Path extends string,
  Output extends TSchema,
  Found extends Target,
  Item extends object,
  Query extends TObject | null = null,
>(
  terms: Terms<Id, Path, Query, null, Output, Found> & {
    readonly run: (call: CallOf<Path, Query, null, Found>, page: Page, from: From) => Promise<readonly Item[]>
    readonly keyOf: (item: Item) => string
  },
): Known<ListOperation, Id, Path, Query, Output> =>
  ({ ...defaults, ...terms, kind: 'list', method: 'GET' }) as never

export const write = <
  const Id extends string,
  const Path extends string,
  const Method extends WriteOperation['method'],
  Output extends TSchema | null,
  Found extends Target,
  Query extends TObject | null = null,
  Body extends TSchema | null = null,
  Result = undefined,
>(
  terms: Terms<Id, Path, Query, Body, Output, Found> &
    Pick<WriteOperation, 'status'> & {
      readonly method: Method
      readonly prepare?: (
        call: CallOf<Path, Query, Body, Found>,
        from: From,
        deps: OperationDeps,
      ) => Promise<Result>
      readonly run: (
        call: Prepared<CallOf<Path, Query, Body, Found>, Result>,
        tx: WriteTransaction,
        deps: OperationDeps,
      ) => Promise<Written>
    },
): Known<WriteOperation, Id, Path, Query, Output, { readonly method: Method; readonly body: Body }> =>
  ({ ...defaults, ...terms, kind: 'write' }) as never

// Some of the checks compare each value with many others.
const defaults = { query: null, body: null, problems: [], isShared: false, mostValues: 2_000 }
