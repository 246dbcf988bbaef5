/**
 * Standard output for the log: lines are gathered into blocks, written when one is full, each second, and at exit.
 * The destination below measures all it holds on each write, which for single lines costs ten times the line.
 */
import { writeSync } from 'node:fs'
import { destination as openDestination } from 'pino'

export interface LogDestination {
  write(line: string): void
  /** Hands on at once what is still held. */
  flush?(): void
  /** Resolves when all that was handed on is written: to be awaited before the process ends itself. */
  drained?(): Promise<void>
}

const blockBytes = 65_536
const longestCharacterBytes = 3
const flushMilliseconds = 1000
const [standardOutput, standardError] = [1, 2]
// Of a disk that stays full the newest lines are lost, and not the server's memory.
const longestBacklogCharacters = 16 * 1024 * 1024
// A thousand times what a block takes where somebody reads.
const threadMilliseconds = 100

export function openStandardOutput(): LogDestination {
  // Bytes, because a text grown line by line is a tree of its pieces until somebody reads it.
  const block = Buffer.allocUnsafe(blockBytes)
  let heldBytes = 0
  let timer: NodeJS.Timeout | undefined
  let hasEnded = false
  let isWriting = false
  let isFailing = false
  // Behind the block that is being written. The destination's own queue would be written for ever on a full disk.
  let waiting: string[] = []
  let waitingCharacters = 0
  const take = (): string => {
    clearTimeout(timer)
    timer = undefined
    const taken = block.toString('utf8', 0, heldBytes)
    heldBytes = 0
    return taken
  }
  const takeWaiting = (): string => {
    const taken = waiting.join('')
    waiting = []
    waitingCharacters = 0
    return taken
  }
  const hand = (text: string): void => {
    if (text === '') return
    const isFirst = !isWriting && !isFailing
    if (!isFirst && waitingCharacters + text.length <= longestBacklogCharacters) {
      waiting.push(text)
      waitingCharacters += text.length
    }
    if (isWriting) return
    isWriting = true
    // Nothing more makes it try again what it could not write.
    sink.write(isFirst ? text : '')
  }
  // At the end of the process the destination would try what it holds until it succeeds.
  const giveUp = () => sink.destroy()
  // Before the destination is opened, so that at exit our block reaches it before it writes its last.
  process.on('beforeExit', () => {
    // Writing, were it nothing, would keep the process alive and bring this event again.
    if (heldBytes > 0) hand(take())
    if (isFailing) giveUp()
  })
  process.on('exit', () => {
    hasEnded = true
    if (isWriting) waitForThread()
    if (isFailing) giveUp()
    else writeLast(takeWaiting() + take())
  })
  const sink = openDestination({ fd: standardOutput, sync: false })
  sink.on('drain', () => {
    isWriting = false
    if (isFailing) say('The log is written again.')
    isFailing = false
    hand(takeWaiting())
  })
  // Unheard it would end the process. The block is kept by the destination, and tried again when more comes.
  sink.on('error', (error: Error) => {
    isWriting = false
    if (!isFailing) say(`The log cannot be written: ${error.message}. Requests are answered all the same.`)
    isFailing = true
  })
  return {
    write(line) {
      if (hasEnded) return writeLast(line)
      const mostBytes = line.length * longestCharacterBytes
      if (heldBytes + mostBytes > blockBytes) hand(take())
      if (mostBytes > blockBytes) return hand(line)
      heldBytes += block.write(line, heldBytes)
      timer ??= setTimeout(() => hand(take()), flushMilliseconds).unref()
    },
    flush: () => hand(take()),
    drained: () =>
      new Promise((resolve) => {
        hand(take())
        // What is under way when the process exits would come after what is written then. Behind it more may wait.
        const look = () => {
          if (isWriting) sink.once('drain', look)
          else resolve()
        }
        look()
        sink.once('error', resolve)
      }),
  }
}

/** A block that a thread is writing would be torn by what comes now; nobody can ask it, but it needs no loop to end. */
const waitForThread = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, threadMilliseconds)

/** There is no loop any more to write in the background. A pipe that is full is read by somebody, or it is not. */
function writeLast(text: string): void {
  let rest: Uint8Array = Buffer.from(text)
  for (let attempt = 0; rest.length > 0 && attempt < mostAttempts; attempt += 1) {
    try {
      rest = rest.subarray(writeSync(standardOutput, rest))
    } catch (error) {
      if (!isBusy(error)) return
      waitForThread()
    }
  }
}

const mostAttempts = 50
const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY')

/** Where the log does not reach somebody, this may. */
function say(sentence: string): void {
  try {
    writeSync(standardError, `${sentence}\n`)
  } catch {
    // Nobody is left to be told.
  }
}
