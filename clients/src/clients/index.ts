/** Every client, in the order of the table. */

import type { Client } from '../client.ts'
import { authlib } from './authlib.ts'
import { badgateway } from './badgateway.ts'
import { curl } from './curl.ts'
import { mcp } from './mcp.ts'
import { oauth4webapi } from './oauth4webapi.ts'
import { openidClient } from './openid-client.ts'
import { rubyOauth2 } from './ruby-oauth2.ts'
import { simpleOauth2 } from './simple-oauth2.ts'

export const clients: readonly Client[] = [
  openidClient,
  oauth4webapi,
  simpleOauth2,
  badgateway,
  mcp,
  authlib,
  rubyOauth2,
  curl,
]
