/** The one way out of the process, to what clients and outside issuers publish, as the configuration allows it. */

import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { type Config, ConfigRefused, readStoreLocation } from '../config.ts'
import { variableOf } from '../environment.ts'
import { parseAddressList } from '../http/address-list.ts'
import { createFetchJson, type FetchJson } from '../outbound/fetch-json.ts'
import type { IsAllowedAddress } from '../outbound/literal-host.ts'

type OutboundSettings = Pick<Config, 'outbound_allowed_networks' | 'outbound_ca_file'>

const outboundVariables = ['outbound_allowed_networks', 'outbound_ca_file'].map(variableOf)

/** For a server that takes no other settings: what else is set is meant for one that does. */
export const readOutboundSettings = (
  environment: Readonly<Record<string, string | undefined>>,
): OutboundSettings =>
  readStoreLocation({
    file: null,
    environment: Object.fromEntries(outboundVariables.map((name) => [name, environment[name]])),
    flags: {},
    readFile: (path) => readFileSync(path, 'utf8'),
  })

/** Throws `ConfigRefused` for a file that holds no certificates. */
export function fetchJsonFor({
  outbound_allowed_networks: networks,
  outbound_ca_file: file,
}: OutboundSettings): FetchJson {
  return createFetchJson({
    isAllowed: isAllowedBy({ outbound_allowed_networks: networks }),
    authorities: file === null ? [] : [readAuthorities(file)],
  })
}

export function isAllowedBy({
  outbound_allowed_networks: networks,
}: Pick<Config, 'outbound_allowed_networks'>): IsAllowedAddress {
  const allowed = parseAddressList(networks)
  return (address) => allowed.contains(address)
}

/** Throws `ConfigRefused` likewise. */
export function readAuthorities(file: string): string {
  try {
    const pem = readFileSync(file, 'utf8')
    createSecureContext({ ca: pem })
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  } catch {
    // One sentence for a missing file and for a broken one.
  }
  throw new ConfigRefused(`outbound_ca_file: ${file} cannot be read as certificates in PEM.`)
}
