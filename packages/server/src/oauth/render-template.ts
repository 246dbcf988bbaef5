/** A dialect's template filled in; what cannot stand in it is the operator's to mend, so the log says where it is. */

import { type CompiledTemplate, OAuthError, TemplateError, type TemplateValues } from '@sallyport/protocol'

/** Throws `server_error`; the reason names the member and the variable, never a value. */
export function renderTemplate(
  template: CompiledTemplate,
  values: TemplateValues,
  name: string,
): Record<string, unknown> {
  try {
    return template.render(values)
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause
    throw new OAuthError('server_error', `the dialect's ${name}: ${cause.message}`, { cause })
  }
}
