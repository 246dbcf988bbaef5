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
const standardOutput = 1
// A thousand times what a block takes where somebody reads.
const threadMilliseconds = 100

export function openStandardOutput(): LogDestination {
  // Bytes, because a text grown line by line is a tree of its pieces until somebody reads it.
  const block = Buffer.allocUnsafe(blockBytes)
  let heldBytes = 0
  let timer: NodeJS.Timeout | undefined
  let hasEnded = false
  let isWriting = false
  const take = (): string => {
    clearTimeout(timer)
    timer = undefined
    const taken = block.toString('utf8', 0, heldBytes)
    heldBytes = 0
    return taken
  }
  const hand = (text: string): void => {
    if (text === '') return
    isWriting = true
    sink.write(text)
  }
  // Before the destination is opened, so that at exit our block reaches it before it writes its last.
  process.on('beforeExit', () => {
    // Writing, were it nothing, would keep the process alive and bring this event again.
    if (heldBytes > 0) hand(take())
  })
  process.on('exit', () => {
    hasEnded = true
    if (isWriting) waitForThread()
    writeLast(sink, take())
  })
  const sink = openDestination({ fd: standardOutput, sync: false })
  sink.on('drain', () => {
    isWriting = false
  })
  return {
    write(line) {
      if (hasEnded) return writeLast(sink, line)
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
        // What is under way when the process exits would come after what is written then.
        if (!isWriting) resolve()
        else sink.once('drain', resolve).once('error', resolve)
      }),
  }
}

/** A block that a thread is writing would be torn by what comes now; nobody can ask it, but it needs no loop to end. */
const waitForThread = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, threadMilliseconds)

/** There is no loop any more to write in the background, and the destination may be closed already. */
function writeLast(sink: ReturnType<typeof openDestination>, text: string): void {
  try {
    sink.write(text)
    sink.flushSync()
  } catch {
    writeSync(standardOutput, text)
  }
}
