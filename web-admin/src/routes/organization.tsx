/** `/orgs/:organizationId`: the frame around every page of an organization. */
import type { LoaderFunctionArgs, RouteObject } from 'react-router';
import { Outlet, redirect, useNavigate } from 'react-router';
import type { Deps } from '../app';
import { ViewerQuery } from '../features/organizations/queries';
import { Shell } from '../features/organizations/shell';
import { Loading } from '../ui/loading';
import { budgetsPath } from './budgets';
import { chargebackPath } from './chargeback';
import { RouteError } from './error';
import { loginPath } from './login';
import { useOrganizationId } from './params';

export function organizationRoute({ session, client }: Deps, children: RouteObject[]): RouteObject {
  return {
    path: '/orgs/:organizationId',
    loader: async ({ request }: LoaderFunctionArgs) => {
      if (!(await session.isSignedIn())) return redirect(loginPath(new URL(request.url)));
      void client.query(ViewerQuery, {}).toPromise();
      return null;
    },
    shouldRevalidate: ({ currentUrl, nextUrl }) => currentUrl.pathname !== nextUrl.pathname,
    Component: OrganizationPage,
    ErrorBoundary: RouteError,
    HydrateFallback: Loading,
    children,
  };
}

function OrganizationPage() {
  const navigate = useNavigate();
  const organizationId = useOrganizationId();
  const pages = [
    { label: 'Chargeback', path: chargebackPath(organizationId) },
    { label: 'Budgets', path: budgetsPath(organizationId) },
  ];
  return (
    <Shell organizationId={organizationId} pages={pages} onSwitch={(id) => navigate(chargebackPath(id))}>
      <Outlet />
    </Shell>
  );
}
