/** The places outside that get the audit chain, as the configuration names them. */

import { hostname } from 'node:os'
import type { AuditSink } from '../audit/follow.ts'
import { createSyslog } from '../audit/syslog.ts'
import { createWebhook } from '../audit/webhook.ts'
import type { Config } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { readAuthorities } from './outbound.ts'

type SinkSettings = Pick<
  Config,
  'audit_webhook_url' | 'audit_webhook_secret' | 'audit_syslog' | 'outbound_ca_file'
>

export function auditSinksFor({
  audit_webhook_url: webhookUrl,
  audit_webhook_secret: secret,
  audit_syslog: syslogUrl,
  outbound_ca_file: file,
}: SinkSettings): readonly AuditSink[] {
  const authorities = file === null ? [] : [readAuthorities(file)]
  const { clock } = systemEffects
  return [
    webhookUrl !== null && createWebhook({ url: new URL(webhookUrl), secret, authorities, clock }),
    syslogUrl !== null && createSyslog({ url: syslogUrl, host: hostname(), authorities }),
  ].filter((sink) => sink !== false)
}
