/** A Next.js application with the user's route, built and started as its users do. */

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { run } from './cached-install.ts'

const env = { NEXT_TELEMETRY_DISABLED: '1', CI: 'true' }
const route = 'app/[organization]/invoices/route.js'

/** Beneath the folder that Next.js is installed in: its bundler follows no link out of the root it is given. */
export async function startNext(t: TestContext, home: string, project: string): Promise<string> {
  const folder = mkdtempSync(join(home, 'application-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const file of [route, 'issuer.js', 'node_modules/@sallyport'])
    cpSync(join(project, file), join(folder, file), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  // Nobody builds this one twice, and writing the cache costs a quarter of the build.
  const experimental = { turbopackFileSystemCacheForBuild: false }
  const settings = { turbopack: { root: home }, outputFileTracingRoot: home, experimental }
  writeFileSync(join(folder, 'next.config.js'), `export default ${JSON.stringify(settings)}`)
  const next = join(home, 'node_modules/next/dist/bin/next')
  const { code, output } = await run(process.execPath, [next, 'build'], { cwd: folder, env })
  if (code !== 0) throw new Error(`The application does not build:\n${output}`)
  return startBuilt(t, next, folder)
}

async function startBuilt(t: TestContext, next: string, folder: string): Promise<string> {
  const child = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    ...{ cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  t.after(async () => {
    child.kill()
    await ended
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
    if (url !== undefined) {
      child.stdout.resume()
      return url
    }
  }
  throw new Error('The application has ended before it said where it listens.')
}
