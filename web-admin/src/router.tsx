/** The tree of routes. Each is made in a file of routes/; main.tsx alone renders it. */
import type { RouteObject } from 'react-router';
import type { Deps } from './app';
import { budgetsRoute } from './routes/budgets';
import { chargebackRoute } from './routes/chargeback';
import { homeRoute } from './routes/home';
import { loginRoute } from './routes/login';
import { notFoundRoute } from './routes/not-found';
import { organizationRoute } from './routes/organization';

export { loginPath } from './routes/login';

export function createRoutes(deps: Deps): RouteObject[] {
  return [
    loginRoute(),
    homeRoute(deps),
    organizationRoute(deps, [chargebackRoute(deps), budgetsRoute(deps), notFoundRoute()]),
    notFoundRoute(),
  ];
}
