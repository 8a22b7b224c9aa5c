/** How windows are called: when a budget starts afresh, in whose time zone. */
import type { BudgetsQuery, BudgetWindow } from '../../gql/graphql';

export type Budget = BudgetsQuery['organization']['budgets']['nodes'][number];

export const WINDOWS: { value: BudgetWindow; label: string }[] = [
  { value: 'DAY', label: 'Every day' },
  { value: 'WEEK', label: 'Every week, on Monday' },
  { value: 'MONTH', label: 'Every month' },
  { value: 'QUARTER', label: 'Every quarter' },
  { value: 'YEAR', label: 'Every year' },
  { value: 'LIFETIME', label: 'Never' },
];

export const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June',
  'July', 'August', 'September', 'October', 'November', 'December',
].map((label, index) => ({ value: String(index + 1), label }));

export function isWindow(text: string): text is BudgetWindow {
  return WINDOWS.some(({ value }) => value === text);
}

/** Whether the window begins somewhere in the year. */
export function isFiscal(window: BudgetWindow): boolean {
  return window === 'QUARTER' || window === 'YEAR';
}

/** `Every quarter, years begin in April` */
export function describeWindow({ window, fiscalStartMonth }: Pick<Budget, 'window' | 'fiscalStartMonth'>): string {
  const label = WINDOWS.find(({ value }) => value === window)?.label ?? window;
  if (!isFiscal(window) || fiscalStartMonth === 1) return label;
  return `${label}, years begin in ${MONTHS[fiscalStartMonth - 1]?.label}`;
}

/** The zones this browser knows; the server knows more, and says so where it does not. */
export function timeZones(): string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
}
