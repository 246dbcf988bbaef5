/** Knocks at a server that is starting until its token endpoint answers 200. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { isOk } from './http-reply.ts'
import type { DrawnPlan } from './load-protocol.ts'

const retryMilliseconds = 5
const giveUpSeconds = 30

/** Resolves with the first 200; a refused connection is tried again, any other answer is an error. */
export async function firstToken(port: number, plan: DrawnPlan): Promise<void> {
  const credential = readFileSync(plan.credentialsFile).subarray(0, plan.credentialBytes)
  const request = Buffer.concat([Buffer.from(plan.before), credential, Buffer.from(plan.after)])
  await knock(port, async () => checkOk(await exchange(port, request)))
}

/** Resolves when the port accepts connections. */
export function untilListening(port: number): Promise<void> {
  return knock(port, async () => {
    await exchange(port, undefined)
  })
}

async function knock(port: number, attempt: () => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isRefused(error)) throw error
      if (performance.now() - startedAt > giveUpSeconds * 1000) {
        throw new Error(`nobody listens on port ${port} after ${giveUpSeconds} s`, { cause: error })
      }
    }
    await new Promise((resolve) => setTimeout(resolve, retryMilliseconds))
  }
}

/** The first bytes of the reply; without a request, nothing but the connection. */
function exchange(port: number, request: Buffer | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      if (request) socket.write(request)
      else finish(Buffer.alloc(0))
    })
    const finish = (reply: Buffer) => {
      socket.destroy()
      resolve(reply)
    }
    socket.once('data', finish)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed the connection without an answer')))
  })
}

function checkOk(reply: Buffer): void {
  if (!isOk(reply)) throw new Error(`the first answer is not a 200:\n${reply}`)
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}
