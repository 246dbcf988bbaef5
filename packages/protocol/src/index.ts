/** The entry of @sallyport/protocol: OAuth's own words as pure functions. No I/O, no clock, no randomness. */
export { decodeBase64url, encodeBase64url } from './base64url.ts'
export { type BasicReading, parseBasic } from './basic.ts'
export {
  type CheckedAssertion,
  checkClientAssertion,
  type ExpectedAssertion,
  isAssertionType,
} from './client-assertion.ts'
export {
  type ForwardedCertificate,
  type ForwardedCertificatePreset,
  forwardedCertificatePresets,
  type HeaderLines,
  readForwardedCertificate,
} from './client-cert-header.ts'
export { canonicalClientId } from './client-id.ts'
export { type Environment, formatClientSecret, parseClientSecret } from './client-secret.ts'
export { type Confirmation, confirmationKey, readConfirmation } from './confirmation.ts'
export { type CutOff, CutOffs, credentialSubject, type RevocationKind, type TokenFacts } from './cut-offs.ts'
export {
  derivedFromClaim,
  readDerivedFrom,
  type SourceFacts,
  writeDerivedFrom,
} from './derived-from.ts'
export { Doorkeeper } from './doorkeeper.ts'
export { type CheckedProof, checkDpopProof, type ExpectedProof } from './dpop-proof.ts'
export { OAuthError, type OAuthErrorCode, refuse } from './errors.ts'
export { Form, parseForm } from './form.ts'
export { decodeFormComponent } from './form-encoding.ts'
export { generateIdentifier, type IdentifierShape } from './identifier.ts'
export { clockSkewSeconds, isInstant } from './instant.ts'
export {
  isMembers,
  type JsonPath,
  jsonPointer,
  type Members,
  memberOf,
  membersOf,
  resolveReference,
} from './json-document.ts'
export { algorithmsOfJwk, type Jwk, jwkThumbprintInput, publicMembersOf, readPublicJwk } from './jwk.ts'
export { type Jws, mediaTypeOf, readJws } from './jws.ts'
export {
  isEncoded,
  type MediaType,
  parseMediaType,
  preferredType,
  requireFormContentType,
  saysJson,
} from './media-type.ts'
export {
  buildAuthorizationServerMetadata,
  buildOpenIdConfiguration,
  type Capabilities,
  type Metadata,
} from './metadata.ts'
export { parseMultipartForm } from './multipart.ts'
export { misspeltName, nearestNames } from './nearest-names.ts'
export { type Networks, networksOf } from './network.ts'
export { oncePer } from './once-per.ts'
export { formatOpaqueToken, type OpaqueTokenKind, parseOpaqueToken } from './opaque-token.ts'
export {
  createLeftOut,
  isOpenApi,
  type LeaveOut,
  type OpenApiOperation,
  readOpenApiOperations,
  type SchemeNeed,
  type UnusedPart,
} from './openapi-endpoints.ts'
export { parseUrl } from './parse-url.ts'
export { decodePercent } from './percent.ts'
export { RecentMap } from './recent-map.ts'
export { RecentTexts } from './recent-texts.ts'
export { formatRefusalId, parseRefusalId, type RefusalIdReading } from './refusal-id.ts'
export { type RefusalReason, type RefusalTerms, refusals } from './refusals.ts'
export {
  formatRegistrationToken,
  parseRegistrationToken,
  type RegistrationTokenKind,
} from './registration-token.ts'
export { jsonReply, neverCached, type Reply, type ReplySink } from './reply.ts'
export { parseAudience, parseResource } from './resource.ts'
export {
  createScopeSet,
  isScopeToken,
  parseScope,
  type ScopeSet,
  scopeCovers,
} from './scope.ts'
export {
  defaultSignatureAlgorithms,
  type SignatureAlgorithm,
  type SignatureCheck,
  signatureAlgorithms,
  signatureChecks,
} from './signature-checks.ts'
export { type Soon, whenKnown } from './soon.ts'
export { parseJsonObject } from './strict-json.ts'
export {
  type CompiledTemplate,
  compileTemplate,
  type JsonObject,
  type JsonValue,
  type TemplateValues,
} from './template.ts'
export { TemplateError } from './template-error.ts'
export { decodeDocument, decodeUtf8 } from './utf8.ts'
