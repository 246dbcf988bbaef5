/** Several processes as one server: what Prometheus is told of those that die or say nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../src/http/metrics.ts'
import { createMetricsTogether } from '../../src/http/metrics-together.ts'

async function startTwo() {
  const together = createMetricsTogether()
  const metrics = [createMetrics({ withProcess: false }), createMetrics({ withProcess: false })] as const
  for (const [process, { throttled, requestDurations, auditWaiting }] of metrics.entries()) {
    throttled.add('acme')
    requestDurations.observe('token', 0.25)
    auditWaiting.set('webhook', 3 + process)
  }
  const hear = async (process: 0 | 1) => together.note(process, await metrics[process].snapshot())
  const tell = async (...present: readonly number[]) => {
    const { body } = await together.render(new Set(present))
    const value = (series: string) =>
      Number(
        body
          .split('\n')
          .find((line) => line.startsWith(series))
          ?.split(' ')[1],
      )
    return {
      throttled: value('sallyport_throttled_total{'),
      answers: value('sallyport_request_duration_seconds_count{'),
      waiting: value('sallyport_audit_records_waiting{'),
      workers: value('sallyport_workers '),
    }
  }
  await Promise.all([hear(0), hear(1)])
  return { together, metrics, hear, tell }
}

test('operations: what a process has counted outlives it, what it measured does not', async () => {
  const { together, metrics, hear, tell } = await startTwo()
  assert.deepEqual(await tell(0, 1), { throttled: 2, answers: 2, waiting: 4, workers: 2 })
  together.end(1)
  assert.deepEqual(await tell(0), { throttled: 2, answers: 2, waiting: 3, workers: 1 })
  metrics[0].throttled.add('acme')
  await hear(0)
  together.end(0)
  together.note(2, await createMetrics({ withProcess: false }).snapshot())
  assert.deepEqual(await tell(2), { throttled: 3, answers: 2, waiting: Number.NaN, workers: 1 })
})

test('operations: a process too busy to answer counts as much as it had when it was last heard', async () => {
  const { metrics, hear, tell } = await startTwo()
  assert.deepEqual(await tell(0), { throttled: 2, answers: 2, waiting: 3, workers: 1 })
  metrics[1].throttled.add('acme')
  await hear(1)
  assert.deepEqual(await tell(0, 1), { throttled: 3, answers: 2, waiting: 4, workers: 2 })
})

test('operations: of several processes the certificate that ends first is shown, and none where there is none', async () => {
  const { together, metrics, hear } = await startTwo()
  const shown = async () => {
    const { body } = await together.render(new Set([0, 1]))
    return /^sallyport_certificate_expires_seconds (\d+)$/m.exec(body)?.[1]
  }
  assert.equal(await shown(), undefined)
  metrics[1].certificateExpires.set(2_000_000_000)
  await hear(1)
  assert.equal(await shown(), '2000000000')
  metrics[0].certificateExpires.set(1_900_000_000)
  await hear(0)
  assert.equal(await shown(), '1900000000')
})

test('operations: one that has ended before it was heard changes nothing', async () => {
  const { together, tell } = await startTwo()
  together.end(7)
  assert.deepEqual(await tell(0, 1), { throttled: 2, answers: 2, waiting: 4, workers: 2 })
})
