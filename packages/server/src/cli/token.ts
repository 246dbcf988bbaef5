/** `sallyport token`: an access token, got over HTTPS as any client gets it. */

import { type Command, Option } from 'commander'
import { ConfigRefused } from '../config.ts'
import { type IssuerMetadata, readIssuerMetadata } from './issuer-metadata.ts'
import { createFetch, ServerUnreachable } from './manage/own-fetch.ts'
import { requestToken, type TokenAnswer } from './manage/request-token.ts'
import { jsonText, terminalText } from './standard-input.ts'
import { type ClientOptions, findTokenClient, type TokenClient } from './token-client.ts'

interface Options extends ClientOptions {
  readonly secretIn?: 'header' | 'body'
  readonly scope?: string
  readonly resource?: string
  readonly audience?: string
  readonly json?: boolean
}

export function registerToken(command: Command): void {
  addClientOptions(command)
    .option('--scope <scopes>', 'what it shall be good for (default: what the app gets by itself)')
    .option('--resource <uri>', 'the API it is for, by its audience (RFC 8707)')
    .option('--audience <name>', 'the same, under its other name')
    .option('--json', 'print the whole answer as JSON')
    .addHelpText(
      'after',
      [
        '\nStandard output has the token alone: TOKEN=$(npm run -s sallyport -- token TENANT)',
        'In a development instance TENANT is enough, and of the tenant system the token is its operator’s.',
        'Elsewhere say --url and --client-id. The secret is typed, or comes from --client-secret-file,',
        'SALLYPORT_CLIENT_SECRET, SALLYPORT_CLIENT_SECRET_FILE or standard input.',
        'Ends with 1 where the server gives no token, and with 3 where it cannot be reached or cannot now.',
      ].join('\n'),
    )
    .action(getToken)
}

const addClientOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--app <name>', 'which app of the tenant, in a development instance (default: its first)')
        // Each names a client.
        .conflicts(['url', 'clientId']),
    )
    .addOption(
      new Option(
        '--data <folder>',
        'the data folder of the development instance (default: ./data)',
      ).conflicts('url'),
    )
    .option('--url <issuer>', 'the issuer, such as https://auth.example.com/acme; its metadata is read')
    .option('--client-id <id>', 'the client')
    .option('--client-secret-file <file>', 'a file with its secret and nothing else')
    .addOption(
      new Option(
        '--secret-in <place>',
        'where the secret is sent (default: header, or what the metadata allows)',
      ).choices(['header', 'body']),
    )
    .option(
      '--ca <file>',
      'the authority of its certificate, in PEM (default: SALLYPORT_CA, or the instance’s own)',
    )

async function getToken(tenant: string | undefined, options: Options): Promise<void> {
  const client = await findTokenClient(tenant, options, process.env)
  try {
    tell(await ask(client, options), client, options)
  } catch (error) {
    if (!(error instanceof ServerUnreachable)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 3
  }
}

interface Asked {
  readonly url: string
  readonly answer: TokenAnswer
}

async function ask(client: TokenClient, options: Options): Promise<Asked> {
  const fetch = createFetch(client.ca)
  const metadata = await readIssuerMetadata(client.issuer, fetch)
  const { scope, resource, audience } = options
  const given = Object.entries({ scope, resource, audience }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const request = {
    ...{ url: metadata.tokenUrl, clientId: client.clientId, clientSecret: client.clientSecret },
    secretIn: options.secretIn ?? placeOfSecret(client.issuer, metadata),
    parameters: Object.fromEntries(given),
  }
  return { url: metadata.tokenUrl, answer: await requestToken(request, fetch) }
}

function placeOfSecret(issuer: string, { methods }: IssuerMetadata): 'header' | 'body' {
  if (methods.includes('client_secret_basic')) return 'header'
  if (methods.includes('client_secret_post')) return 'body'
  throw new ConfigRefused(
    terminalText(
      `${issuer} takes no client secret; its clients prove themselves by ${methods.map(sayable).join(', ')}.`,
    ),
  )
}

function tell({ url, answer }: Asked, { clientId }: TokenClient, { json }: Options): void {
  const { status, accessToken, members, requestId } = answer
  if (accessToken === null) process.exitCode = status === 503 ? 3 : 1
  if (json && accessToken !== null) print(jsonText(members))
  else if (json) print(jsonText({ status, ...members, request_id: requestId }))
  else if (accessToken !== null) print(accessToken)
  else process.stderr.write(`${refusalText(url, clientId, answer)}\n`)
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

/** What is no text, and so nothing that RFC 6749 §5.2 knows, may be of a shape that no text can be made of. */
const sayable = (said: unknown): string => (typeof said === 'string' ? said : jsonText(said, 0))

function refusalText(url: string, clientId: string, { status, members, ...answer }: TokenAnswer): string {
  const { error, error_description: description = '' } = members
  const { requestId, retryAfter } = answer
  const lines = [
    ...(error === undefined
      ? []
      : [
          [error, description]
            .filter((said) => said !== '')
            .map(sayable)
            .join(': '),
        ]),
    `${url} gave client ${clientId} no token (${status}).`,
    ...(retryAfter === null ? [] : [`It may be asked again after ${retryAfter} seconds.`]),
    requestId === null
      ? 'The answer has no request id: is this really the issuer’s own URL?'
      : `The true reason is in the server’s log, in the line with request id ${requestId}`,
  ]
  return lines.map(terminalText).join('\n')
}
