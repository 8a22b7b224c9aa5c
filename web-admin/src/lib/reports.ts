/** Where a report can be downloaded. */
import type { Period } from './period';
import type { Id } from './scalars';

/** Every line of the period, with all quantities. */
export function chargebackCsv(organizationId: Id, period: Period): string {
  return `/reports/chargeback.csv?${new URLSearchParams({ org: organizationId, period })}`;
}

/** Every call that was cut short in the period. */
export function cutCallsCsv(organizationId: Id, period: Period): string {
  return `/reports/cut-calls.csv?${new URLSearchParams({ org: organizationId, period })}`;
}
