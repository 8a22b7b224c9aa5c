import { expect, test } from 'vitest';
import { finestOf, formatCount, formatCounted, formatMoment, formatMomentIn, formatUsd, usdParts } from './format';
import type { DateTime, Usd } from './scalars';

test.each([
  ['0', '$0.00'],
  ['12', '$12.00'],
  ['12.5', '$12.50'],
  ['0.000081', '$0.000081'],
  ['1234567.000000000001', '$1,234,567.000000000001'],
  ['999', '$999.00'],
  ['1000', '$1,000.00'],
  ['-1234.5', '-$1,234.50'],
  ['-0.000000000001', '-$0.000000000001'],
  // Beyond what a number could hold.
  ['170141183460469231731687303.715884105727', '$170,141,183,460,469,231,731,687,303.715884105727'],
])('%s is written %s', (usd, written) => {
  expect(formatUsd(usd as Usd)).toBe(written);
});

test('the digits below the cent are apart from the rest', () => {
  expect(usdParts('1234.567891' as Usd)).toEqual({ main: '$1,234.56', fine: '7891' });
  expect(usdParts('1234.5' as Usd)).toEqual({ main: '$1,234.50', fine: '' });
});

test('what is no amount is shown as it came, never as another amount', () => {
  for (const text of ['', '1e3', 'NaN', '1,5', '.5']) expect(formatUsd(text as Usd)).toBe(text);
});

test('a column is aligned by its finest amount', () => {
  expect(finestOf(['1', '0.000081', '2.345'] as Usd[])).toBe(4);
  expect(finestOf([])).toBe(0);
});

test('counts have separators and a noun in its number', () => {
  expect(formatCount(0)).toBe('0');
  expect(formatCount(1234567)).toBe('1,234,567');
  expect(formatCounted(1, 'usage event')).toBe('1 usage event');
  expect(formatCounted(2000, 'usage event')).toBe('2,000 usage events');
});

test('moments are in UTC, wherever the reader is', () => {
  expect(formatMoment('2026-11-30T23:59:59.123456Z' as DateTime)).toBe('30 Nov 2026, 23:59:59 UTC');
});

test('a moment in a zone is what its clocks show, and in UTC where the zone is not known', () => {
  const moment = '2026-11-30T23:00:00Z' as DateTime;
  expect(formatMomentIn(moment, 'Europe/Berlin')).toBe('1 Dec 2026, 00:00 in Europe/Berlin');
  expect(formatMomentIn(moment, 'Mars/Olympus')).toBe('30 Nov 2026, 23:00:00 UTC');
});
