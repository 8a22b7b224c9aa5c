import { screen } from '@testing-library/react';
import { matchRoutes, type RouteObject } from 'react-router';
import { expect, test, vi } from 'vitest';
import { createGraphqlClient } from '../lib/graphql-client';
import { createSession } from '../lib/session';
import { createRoutes } from '../router';
import { ViewerQuery } from '../features/organizations/queries';
import { viewer } from '../testing/fixtures';
import { renderAt } from '../testing/render-at';
import { fakeServer, json } from '../testing/server';

/** Every route with an address that leads to it. */
const EXAMPLES: Record<string, string> = {
  '/login': '/login?next=%2F',
  '/': '/',
  '/orgs/:organizationId/chargeback': '/orgs/org_1/chargeback?period=2026-11&by=key',
  '/orgs/:organizationId/budgets': '/orgs/org_1/budgets',
  '/orgs/:organizationId/*': '/orgs/org_1/nothing',
  '*': '/nothing/here',
};

const session = createSession(vi.fn());
const routes = createRoutes({ session, client: createGraphqlClient(session) });

function leaves(tree: RouteObject[], prefix = ''): string[] {
  return tree.flatMap(({ path = '', children }) => {
    const full = prefix && path ? `${prefix}/${path}` : prefix + path;
    return children ? leaves(children, full) : [full];
  });
}

test('every route has an example, and every example leads to its route', () => {
  expect(leaves(routes).sort()).toEqual(Object.keys(EXAMPLES).sort());
  for (const [pattern, example] of Object.entries(EXAMPLES)) {
    const matched = matchRoutes(routes, example)?.map(({ route }) => route.path).join('/');
    expect(matched).toBe(pattern);
  }
});

test('somebody who is not signed in is sent to the login page, and back afterwards', async () => {
  fakeServer().on('/auth/refresh', () => json(401, {}));
  const page = renderAt('/orgs/org_1/chargeback?period=2026-11');
  await screen.findByRole('heading', { name: 'Sign in to Weir' });
  expect(page.address()).toBe(`/login?next=${encodeURIComponent('/orgs/org_1/chargeback?period=2026-11')}`);
});

test('an unknown address says so inside of the organization', async () => {
  fakeServer().answer(ViewerQuery, () => viewer);
  renderAt('/orgs/org_1/nothing');
  await screen.findByText('There is no such page');
  await screen.findByText('Acme');
});
