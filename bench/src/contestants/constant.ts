/** Baseline: node:http answering one constant token reply; the ceiling of every server written on it. */
import { tokenReply } from '../claims.ts'
import { answer, readBody, serve } from './serve.ts'

const tokenBytes = 600
const body = tokenReply('e'.repeat(tokenBytes))

serve((request, response) => readBody(request, () => answer(response, body)))
