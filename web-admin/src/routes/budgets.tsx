/** `/orgs/:organizationId/budgets` */
import { Stack } from '@mantine/core';
import type { LoaderFunctionArgs, RouteObject } from 'react-router';
import type { Deps } from '../app';
import { BudgetList } from '../features/budgets/budget-list';
import { BUDGET_TYPES, BudgetsQuery } from '../features/budgets/queries';
import { NoticeTargets } from '../features/notices/notice-targets';
import type { Id } from '../lib/scalars';
import { useOrganizationId } from './params';

export function budgetsPath(organizationId: Id): string {
  return `/orgs/${organizationId}/budgets`;
}

export function budgetsRoute({ session, client }: Deps): RouteObject {
  return {
    path: 'budgets',
    loader: async ({ params }: LoaderFunctionArgs) => {
      if (!(await session.isSignedIn())) return null;
      const variables = { organizationId: params.organizationId as Id, after: null };
      // Asked for with each visit, since spend grows; the page shows what it has meanwhile.
      void client.query(BudgetsQuery, variables, { ...BUDGET_TYPES, requestPolicy: 'network-only' }).toPromise();
      return null;
    },
    Component: BudgetsPage,
  };
}

function BudgetsPage() {
  const organizationId = useOrganizationId();
  return (
    <Stack key={organizationId} gap="xl">
      <BudgetList organizationId={organizationId} />
      <NoticeTargets organizationId={organizationId} />
    </Stack>
  );
}
