import { expect, test } from 'vitest';
import { formatPeriod, isPeriod, periodAfter, periodAt } from './period';

test('a period is a calendar month and nothing else', () => {
  expect(['2026-01', '2026-12'].every(isPeriod)).toBe(true);
  expect(['2026-00', '2026-13', '2026-1', '2026-11-01', ''].some(isPeriod)).toBe(false);
});

test('the running period is the one of UTC', () => {
  expect(periodAt(new Date('2026-12-31T23:59:59Z'))).toBe('2026-12');
  expect(periodAt(new Date('2026-12-31T23:59:59-05:00'))).toBe('2027-01');
});

test('steps go over the turn of the year', () => {
  expect(periodAfter('2026-12', 1)).toBe('2027-01');
  expect(periodAfter('2026-01', -1)).toBe('2025-12');
  expect(periodAfter('2026-11', -23)).toBe('2024-12');
});

test('a period is written with the name of its month', () => {
  expect(formatPeriod('2026-11')).toBe('November 2026');
});
