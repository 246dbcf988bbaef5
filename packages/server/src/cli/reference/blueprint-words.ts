/** What each setting of a blueprint is for, and what holds without it: the words beside the schema's own. */

/** `[what it is for, the default]`; no default for what must be given or is simply absent. */
export type Words = readonly [about: string, fallback?: string]

/** By section, and by the path below it. */
export const blueprintWords: Readonly<Record<string, Readonly<Record<string, Words>>>> = {
  file: {
    blueprint: ['The name of this blueprint: `apply --prune` removes only what the same blueprint once made'],
    tenants: ['The tenants it declares'],
  },
  tenant: {
    id: ['Its path: `https://host/{id}`; part of the issuer, so it is chosen once'],
    name: ['What people call it'],
    environment: ['`test` or `live`; secrets begin with `sp_test_` or `sp_live_`'],
    hosts: ['Hosts that answer for this tenant alone, beside its path', 'none'],
    token_issuer: ['The `iss` of its tokens, where that is not the URL it is served under', 'that URL'],
    signing_algorithm: ['What its tokens are signed with; another one makes another key', '`ES256`'],
    key_id: [
      'How key ids are written: the RFC 7638 thumbprint in base64url, or in base64 with padding',
      '`base64url`',
    ],
    access_token_seconds: ['How long tokens live, unless the API, the plan or the app says otherwise', '600'],
    minimum_access_token_seconds: ['No token lives shorter, whoever says so', '60'],
    maximum_access_token_seconds: ['No token lives longer, whoever says so', '86400'],
    token_reuse: ['Give out a token again while at least a fifth of its life is left', '`false`'],
    outage_grace_seconds: [
      'How long known apps still get tokens while the database is gone; 0 refuses at once',
      '600',
    ],
    client_id: ['The shape of client ids that are made for apps without one'],
    'client_id.length': ['How many characters', '24'],
    'client_id.alphabet': ['Which characters', '`lower_alphanumeric`'],
    dialect: ['How its token endpoint differs from the standard; see below', 'the standard'],
    apis: ['Its APIs; see below', 'none'],
    plans: ['Its plans; see below', 'none'],
    organizations: ['Its customers; see below', 'none'],
  },
  dialect: {
    deprecated: ['Since when the dialect is deprecated: answers carry a `Deprecation` header (RFC 9745)'],
    sunset: [
      'From this day on the tenant answers as the standard says; until then answers carry a `Sunset` header (RFC 8594)',
    ],
    request: ['What requests may do beyond the standard'],
    'request.token_path': ['A second path of the token endpoint, below the issuer', 'none'],
    'request.multipart': ['Accept `multipart/form-data` bodies', '`false`'],
    'request.default_grant_type': ['The grant of a request that names none', 'none'],
    'request.grant_type_header': ['Accept the grant type in a header of that name', '`false`'],
    'request.query_credentials': [
      'Accept credentials in the URL, under these names; each use flags the secret as exposed',
      'never',
    ],
    'request.query_credentials.client_id': ['The name of the query parameter with the client id'],
    'request.query_credentials.client_secret': ['The name of the query parameter with the secret'],
    response: ['How answers differ'],
    'response.token_type': ['How the token type is spelled', '`Bearer`'],
    'response.members': [
      'The members of the answer, in order; `access_token: ${access_token}` must be one',
      '`access_token`, `token_type`, `expires_in`, `scope`',
    ],
    token: ['How tokens differ'],
    'token.header': [
      'The members of the JOSE header, in order; `alg: ${alg}` must be one',
      '`alg`, `typ: at+jwt`, `kid`',
    ],
    'token.claims': ['The claims, in order', 'those of RFC 9068 with `org_id` and `cred`'],
  },
  api: {
    id: ['Its name in this file'],
    audience: ['The `aud` of its tokens, and what clients ask for as `resource` or `audience`'],
    name: ['What people call it', 'none'],
    scopes: ['Every scope it knows, and what each opens; a last segment of `*` stands for all below it'],
    signing_algorithm: [
      '`HS512` gives this API a symmetric key of its own that is published nowhere',
      "the tenant's",
    ],
    access_token_seconds: ['How long tokens for it live', "the tenant's"],
  },
  plan: {
    id: ['Its name in this file'],
    name: ['What people call it', 'none'],
    price: ['What it costs, in kind'],
    approval: ['Whether somebody must say yes before an organization gets it', '`false`'],
    scopes: ['When given, apps on this plan get no scope outside it, by API', 'all'],
    access_token_seconds: ['How long tokens of its apps live', "the API's"],
  },
  organization: {
    id: ['Its name in this file, and the `org_id` of its tokens'],
    name: ['What people call it'],
    plan: ['The plan it is on', 'none'],
    attributes: ['Facts for claim templates: `${organization.attributes.name}`', 'none'],
    apps: ['Its apps; see below', 'none'],
  },
  app: {
    id: ['Its name in this file; two apps of a tenant must not share one'],
    name: ['What people call it'],
    client_id: ['The client id it has already; left out, one is made and kept', 'made once'],
    grant_types: ['What it may ask the token endpoint for', '`[client_credentials]`'],
    client_authentication: ['How it may show who it is', '`[client_secret_basic, client_secret_post]`'],
    scopes: ['What it is granted, by API; a wildcard grants all below it', 'nothing'],
    default_api: ['The API of a request that names none; needed when it is granted several', 'the only one'],
    default_scopes: ['What a request without `scope` gets', 'all that it is granted on the API'],
    access_token_seconds: ['How long its tokens live', "the plan's"],
    token_reuse: ['Give out its tokens again, or never', "the tenant's"],
    token_type: ['How its answers spell the token type', "the dialect's"],
    dialect: ['`standard` takes this app out of the dialect', '`tenant`'],
    attributes: ['Facts for claim templates: `${app.attributes.name}`', 'none'],
    credentials: ['Its secrets, as many as it needs; see below', 'none'],
  },
  credential: {
    id: ['Its name in this file, and the `cred` of tokens got with it'],
    secret: ['Where the secret comes from; see below'],
    expires_at: ['The day from which it is refused', 'never'],
  },
}
