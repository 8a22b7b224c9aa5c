/** How money, counts and times are written. Works on the digits as they came: nothing here computes or rounds money. */
import type { Count, DateTime, Usd } from './scalars';

/** An amount in the parts it is set in: `$1,234.50` and the digits below the cent. */
export interface UsdParts {
  main: string;
  fine: string;
}

const USD = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Splits an amount for display. Cents are filled up with zeros; no digit is dropped. */
export function usdParts(usd: Usd): UsdParts {
  const match = USD.exec(usd);
  if (!match) return { main: usd, fine: '' };
  const [, sign = '', whole = '', decimals = ''] = match;
  const cents = decimals.slice(0, 2).padEnd(2, '0');
  return { main: `${sign}$${withThousands(whole)}.${cents}`, fine: decimals.slice(2) };
}

/** `$1,234.500001`: every digit that came. */
export function formatUsd(usd: Usd): string {
  const { main, fine } = usdParts(usd);
  return main + fine;
}

/** The most digits below the cent among these, by which a column of them is aligned. */
export function finestOf(amounts: readonly Usd[]): number {
  return Math.max(0, ...amounts.map((usd) => usdParts(usd).fine.length));
}

/** `1,234,567` */
export function formatCount(count: Count): string {
  return withThousands(String(count));
}

/** `1 call`, `2 calls` */
export function formatCounted(count: Count, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `21 Nov 2026, 03:04:05 UTC` */
export function formatMoment(moment: DateTime): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
  return `${day}, ${date.toISOString().slice(11, 19)} UTC`;
}

/** `03:04:05 UTC, 21 Nov 2026` */
export function formatClock(moment: DateTime): string {
  const [day, clock] = formatMoment(moment).split(', ');
  return clock === undefined ? moment : `${clock}, ${day}`;
}

/** `1 Dec 2026, 00:00 in Europe/Berlin`; in UTC where the browser does not know the zone. */
export function formatMomentIn(moment: DateTime, timeZone: string): string {
  const options = { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
  try {
    return `${new Date(moment).toLocaleString('en-GB', { ...options, timeZone })} in ${timeZone}`;
  } catch {
    return formatMoment(moment);
  }
}

function withThousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}
