/** The numbers the table prints, on samples whose answer is known. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHistogram, median, ratio } from '../src/statistics.ts'

test('bench: the median of an even number of values is the mean of the middle two', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([4, 1, 3, 100]), 3.5)
})

test('bench: the ratio of a round compares what was measured in that round', () => {
  const found = ratio([10, 40, 80], [10, 50, 100])
  assert.deepEqual(found, { byRound: 0.8, min: 0.8, max: 1, ofMedians: 0.8 })
})

test('bench: percentiles are right to 10 µs, and the slowest reply is kept as it was', () => {
  const histogram = createHistogram()
  for (let hundredth = 1; hundredth <= 100; hundredth += 1) histogram.add(hundredth / 10)
  histogram.add(5000)
  assert.equal(histogram.count(), 101)
  assert.ok(Math.abs(histogram.percentile(0.5) - 5.1) <= 0.011)
  assert.ok(Math.abs(histogram.percentile(0.99) - 10) <= 0.011)
  assert.equal(histogram.max(), 5000)
})
