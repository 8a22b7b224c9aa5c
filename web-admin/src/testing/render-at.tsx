/** Renders the whole web admin at an address, as a browser that opens it there. */
import { render } from '@testing-library/react';
import { createMemoryRouter, RouterProvider } from 'react-router';
import { App } from '../app';
import { createGraphqlClient } from '../lib/graphql-client';
import { createSession } from '../lib/session';
import { createRoutes } from '../router';

export function renderAt(url: string) {
  const session = createSession(() => void router.navigate('/login'));
  const deps = { session, client: createGraphqlClient(session) };
  const router = createMemoryRouter(createRoutes(deps), { initialEntries: [url] });
  render(
    <App deps={deps}>
      <RouterProvider router={router} />
    </App>,
  );
  return { address: () => router.state.location.pathname + router.state.location.search };
}
