// Puts the packages of package-lock.json in place: once, with progress, and never twice at the same time.
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './child.mjs'
import { Refusal } from './entry.mjs'

const progressEveryMs = 3000
const staleAfterMs = 60_000

export async function ensureInstalled(root) {
  if (isInstalled(root)) return
  const release = await takeLock(root)
  try {
    // The one we waited for may have done it.
    if (!isInstalled(root)) await install(root)
  } finally {
    release()
  }
}

const markerOf = (root) => join(root, 'node_modules', '.sallyport-installed')
const lockHashOf = (root) =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

function isInstalled(root) {
  if (existsSync(markerOf(root))) return readFileSync(markerOf(root), 'utf8') === lockHashOf(root)
  return wasInstalledByHand(root)
}

/** Somebody ran npm themselves: what npm noted as installed then says whether anything is missing. */
function wasInstalledByHand(root) {
  const noted = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(noted)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(noted, 'utf8')).packages
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const found = present[path]
    return found
      ? found.version === entry.version && found.integrity === entry.integrity
      : entry.optional === true
  })
}

async function install(root) {
  console.log('Installing packages (first start only, about 20 s) …')
  const startedAt = Date.now()
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  const progress = setInterval(() => {
    console.log(`  still installing, ${seconds()} s`)
    touchLock(root)
  }, progressEveryMs)
  const output = []
  const [command, ...args] = npmCommand()
  const ended = await run(command, [...args, ...npmArguments], {
    cwd: root,
    env: npmEnvironment(),
    shell: command === 'npm' && process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
    // Asked kindly, npm first finishes what it does and then rolls it back; the next start begins anew in any case.
    killedBy: 'SIGKILL',
    onStart: (child) => {
      noteInLock(root, child.pid)
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk))
    },
  })
    .catch((error) => ({ code: 1, error }))
    .finally(() => clearInterval(progress))
  if (ended.interrupted) process.exit(ended.interrupted)
  if (ended.code !== 0) refuse(`${Buffer.concat(output)}${ended.error ?? ''}`)
  writeFileSync(markerOf(root), lockHashOf(root))
  console.log(`Installed in ${seconds()} s.`)
}

const npmArguments = [
  'ci',
  // No package here needs its install script, and a script is the easiest way into a developer's machine.
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--no-progress',
  '--loglevel=error',
  // npm's own pauses add up to more than a minute before it admits that there is no network.
  '--fetch-retries=3',
  '--fetch-retry-factor=2',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
]

/** The npm that started us, run by the Node that ran it; else the one on the path. */
function npmCommand() {
  const cli = process.env.npm_execpath
  if (!cli || !/^npm(-cli)?\.[cm]?js$/.test(basename(cli))) return ['npm']
  return [process.env.npm_node_execpath ?? process.execPath, cli]
}

/** npm hands its own settings on to what it runs; these would make the inner npm install something or somewhere else. */
const misleadingSettings =
  /^(NODE_ENV|npm_config_(global|location|prefix|local_prefix|workspaces?|include_workspace_root|omit|include|only|also|production|dev|dry_run|package_lock(_only)?|ignore_scripts|offline|json|silent))$/i

function npmEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !misleadingSettings.test(name)))
}

const causes = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONN(REFUSED|RESET)|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|FETCH_ERROR|socket hang up/,
    'the package registry cannot be reached; check the network or the proxy, then try again',
  ],
  [
    /\bE(401|403|404|5\d\d)\b|ETARGET|EINTEGRITY/,
    'the package registry refused or changed a package; the lines above name it',
  ],
  [/EUSAGE/, 'package.json and package-lock.json do not agree'],
  [/spawn \S+ ENOENT/, 'npm was not found on your path'],
  [/ENOSPC/, 'the disk is full'],
  [/EACCES|EPERM|EROFS/, 'this folder cannot be written by you'],
]

function refuse(output) {
  const cause =
    causes.find(([pattern]) => pattern.test(output))?.[1] ?? 'the lines above are the last ones of npm'
  // For a lock file that does not fit, npm ends with a page on how to call it; what matters stands before.
  const [telling = ''] = output.split('npm error Clean install a project')
  const lines = telling.trim().split('\n').slice(-12)
  throw new Refusal(`${lines.join('\n')}\nThe packages could not be installed: ${cause}.`)
}

const lockFileOf = (root) => join(root, '.installing')

/** `npm start` and `npm test` side by side on a fresh clone: one installs, the other waits. */
async function takeLock(root) {
  for (let waits = 0; !tryLock(root); waits++) {
    if (isStale(lockFileOf(root))) rmSync(lockFileOf(root), { force: true })
    else if (waits % 20 === 0) console.log('Waiting for another start of Sallyport to install the packages …')
    await sleep(250)
  }
  const remove = () => rmSync(lockFileOf(root), { force: true })
  process.on('exit', remove)
  return () => {
    remove()
    process.off('exit', remove)
  }
}

function tryLock(root) {
  try {
    writeFileSync(lockFileOf(root), `${hostname()} ${process.pid}`, { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new Refusal(`The packages could not be installed: ${root} cannot be written (${error.code}).`)
  }
}

/** Should this process be killed, its npm may go on for a while. */
function noteInLock(root, pid) {
  if (pid) appendFileSync(lockFileOf(root), ` ${pid}`)
}

function touchLock(root) {
  const now = new Date()
  if (existsSync(lockFileOf(root))) utimesSync(lockFileOf(root), now, now)
}

/** A holder that has died, or, on another host or in another container, has not moved for a minute. */
function isStale(file) {
  const holder = readHolder(file)
  if (!holder) return false
  const [host, ...pids] = holder.text.split(' ')
  if (Date.now() - holder.touchedAtMs > staleAfterMs) return true
  return host === hostname() && pids.length > 0 && !pids.some((pid) => isAlive(Number(pid)))
}

function readHolder(file) {
  try {
    return { text: readFileSync(file, 'utf8'), touchedAtMs: statSync(file).mtimeMs }
  } catch {
    return undefined // It has just been given back.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
