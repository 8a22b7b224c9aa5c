/** Periods: calendar months in UTC, written `2026-11`. */

export type Period = `${number}-${number}`;

/** Whether the text names a calendar month. */
export function isPeriod(text: string): text is Period {
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(text);
}

/** The period that holds `now`. */
export function periodAt(now: Date): Period {
  return periodOf(now.getUTCFullYear(), now.getUTCMonth());
}

/** The period `months` after this one; before it, if negative. */
export function periodAfter(period: Period, months: number): Period {
  const [year = 0, month = 1] = period.split('-').map(Number);
  const index = year * 12 + month - 1 + months;
  return periodOf(Math.floor(index / 12), index % 12);
}

/** `November 2026` */
export function formatPeriod(period: Period): string {
  const first = new Date(`${period}-01T00:00:00Z`);
  return first.toLocaleDateString('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });
}

function periodOf(year: number, monthIndex: number): Period {
  return `${String(year).padStart(4, '0')}-${String(monthIndex + 1).padStart(2, '0')}` as Period;
}
