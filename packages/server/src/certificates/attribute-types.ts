/** The attribute types of distinguished names that people write by name. */

/** The first name of each type is the one we write. RFC 4514 §3 asks for the first nine. */
const types: readonly (readonly [oid: string, ...names: string[]])[] = [
  ['2.5.4.3', 'CN', 'commonName'],
  ['2.5.4.7', 'L', 'localityName'],
  ['2.5.4.8', 'ST', 'stateOrProvinceName'],
  ['2.5.4.10', 'O', 'organizationName'],
  ['2.5.4.11', 'OU', 'organizationalUnitName'],
  ['2.5.4.6', 'C', 'countryName'],
  ['2.5.4.9', 'STREET', 'streetAddress'],
  ['0.9.2342.19200300.100.1.25', 'DC', 'domainComponent'],
  ['0.9.2342.19200300.100.1.1', 'UID', 'userId'],
  ['2.5.4.4', 'SN', 'surname'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.12', 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.42', 'GN', 'givenName'],
  ['2.5.4.43', 'initials'],
  ['2.5.4.44', 'generationQualifier'],
  ['2.5.4.46', 'dnQualifier'],
  ['2.5.4.65', 'pseudonym'],
  ['2.5.4.97', 'organizationIdentifier'],
  ['1.2.840.113549.1.9.1', 'emailAddress', 'E'],
  ['1.3.6.1.4.1.311.60.2.1.1', 'jurisdictionL', 'jurisdictionLocalityName'],
  ['1.3.6.1.4.1.311.60.2.1.2', 'jurisdictionST', 'jurisdictionStateOrProvinceName'],
  ['1.3.6.1.4.1.311.60.2.1.3', 'jurisdictionC', 'jurisdictionCountryName'],
]

const typeOf = new Map(types.flatMap(([oid, ...names]) => names.map((name) => [name.toLowerCase(), oid])))
const nameOf = new Map(types.map(([oid, name]) => [oid, name]))

const oidPattern = /^[0-2](?:\.(?:0|[1-9][0-9]*))+$/

/** The dotted type for a name in any case, or for the OID itself. */
export const attributeType = (written: string): string | undefined =>
  oidPattern.test(written) ? written : typeOf.get(written.toLowerCase())

export const attributeName = (oid: string): string | undefined => nameOf.get(oid)
