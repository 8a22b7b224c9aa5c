/** `/orgs/:organizationId/chargeback?period=2026-11&by=team` */
import type { LoaderFunctionArgs, RouteObject } from 'react-router';
import type { Deps } from '../app';
import { isGrouping } from '../features/chargeback/grouping';
import { ChargebackQuery } from '../features/chargeback/queries';
import { ChargebackReport } from '../features/chargeback/report';
import { isPeriod, type Period, periodAt } from '../lib/period';
import type { Id } from '../lib/scalars';
import { useSearchValue } from '../lib/search-value';
import { useOrganizationId } from './params';

export function chargebackPath(organizationId: Id): string {
  return `/orgs/${organizationId}/chargeback`;
}

export function chargebackRoute({ session, client }: Deps): RouteObject {
  return {
    path: 'chargeback',
    loader: async ({ params, request }: LoaderFunctionArgs) => {
      const period = new URL(request.url).searchParams.get('period') ?? periodAt(new Date());
      if (!isPeriod(period) || !(await session.isSignedIn())) return null;
      const organizationId = params.organizationId as Id;
      // Asked for with each visit, since the running month grows; the page shows what it has meanwhile.
      void client.query(ChargebackQuery, { organizationId, period }, { requestPolicy: 'network-only' }).toPromise();
      return null;
    },
    shouldRevalidate: ({ currentUrl, nextUrl }) => address(currentUrl) !== address(nextUrl),
    Component: ChargebackPage,
  };
}

function address(url: URL): string {
  return `${url.pathname} ${url.searchParams.get('period')}`;
}

function ChargebackPage() {
  const current: Period = periodAt(new Date());
  const [period, setPeriod] = useSearchValue('period', isPeriod, current);
  const [grouping, setGrouping] = useSearchValue('by', isGrouping, 'team');
  return (
    <ChargebackReport
      organizationId={useOrganizationId()}
      period={period}
      currentPeriod={current}
      onPeriod={setPeriod}
      grouping={grouping}
      onGrouping={setGrouping}
    />
  );
}
