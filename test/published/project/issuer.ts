/** An authorization server in memory, made of what every runtime has. */

export const issuerUrl = 'https://auth.example/acme'
export const audience = 'https://api.example'

const text = new TextEncoder()
const seconds = () => Math.floor(Date.now() / 1000)

function base64url(input: string | ArrayBuffer): string {
  const bytes = typeof input === 'string' ? text.encode(input) : new Uint8Array(input)
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

const sha256 = async (input: string) => base64url(await crypto.subtle.digest('SHA-256', text.encode(input)))

async function createKey() {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  const { privateKey, publicKey } = await crypto.subtle.generateKey(curve, true, ['sign', 'verify'])
  const { crv = '', kty = '', x = '', y = '' } = await crypto.subtle.exportKey('jwk', publicKey)
  const jwk = { crv, kty, x, y }
  return {
    jwk,
    async sign(header: object, payload: object): Promise<string> {
      const input = `${base64url(JSON.stringify({ alg: 'ES256', ...header }))}.${base64url(JSON.stringify(payload))}`
      const how = { name: 'ECDSA', hash: 'SHA-256' }
      return `${input}.${base64url(await crypto.subtle.sign(how, privateKey, text.encode(input)))}`
    },
  }
}

export async function createIssuer() {
  const [key, otherKey, proofKey] = await Promise.all([createKey(), createKey(), createKey()])
  let tell = (_event: string): void => {}
  let issued = 0

  const token = (claims: object = {}, signer = key): Promise<string> => {
    const now = seconds()
    const standard = {
      iss: issuerUrl,
      aud: audience,
      sub: 'app-1',
      client_id: 'app-1',
      scope: 'invoices/read',
    }
    issued += 1
    const times = { iat: now - 1, exp: now + 600, jti: `token-${issued}` }
    return signer.sign({ kid: 'key-1', typ: 'at+jwt' }, { ...standard, ...times, ...claims })
  }

  function feed(): Response {
    const body = new ReadableStream({
      start(controller) {
        tell = (event) => controller.enqueue(text.encode(event))
        tell('event: ready\nid: 1\ndata: {}\n\n')
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  const answers: Readonly<Record<string, () => Response | Promise<Response>>> = {
    '/.well-known/oauth-authorization-server/acme': () =>
      Response.json({
        issuer: issuerUrl,
        jwks_uri: `${issuerUrl}/oauth2/jwks`,
        token_endpoint: `${issuerUrl}/oauth2/token`,
      }),
    '/acme/oauth2/jwks': () =>
      Response.json({ keys: [{ ...key.jwk, kid: 'key-1', alg: 'ES256', use: 'sig' }] }),
    '/acme/oauth2/revocations': feed,
    '/acme/oauth2/token': async () =>
      Response.json({ access_token: await token(), token_type: 'Bearer', expires_in: 600 }),
  }

  return {
    token,
    /** Signed with a key that nobody has published. */
    forgedToken: () => token({}, otherKey),
    boundToken: async () => token({ cnf: { jkt: await sha256(JSON.stringify(proofKey.jwk)) } }),
    async proofFor(accessToken: string, url: string): Promise<string> {
      issued += 1
      const claims = {
        htm: 'GET',
        htu: url,
        iat: seconds(),
        jti: `proof-${issued}`,
        ath: await sha256(accessToken),
      }
      return proofKey.sign({ typ: 'dpop+jwt', jwk: proofKey.jwk }, claims)
    },
    revokeApp: (id: string) =>
      tell(
        `event: revocation\nid: 2\ndata: ${JSON.stringify({ kind: 'app', id, issued_until: seconds() })}\n\n`,
      ),
    async fetch(input: string | URL | Request): Promise<Response> {
      const { pathname } = new URL(input instanceof Request ? input.url : input)
      return answers[pathname]?.() ?? new Response(null, { status: 404 })
    },
  }
}
