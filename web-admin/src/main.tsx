import '@mantine/core/styles.css';
import './base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createBrowserRouter } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { App, type Deps } from './app';
import { createGraphqlClient } from './lib/graphql-client';
import { createSession } from './lib/session';
import { createRoutes, loginPath } from './router';

// A page load, not a navigation: it leaves nothing in memory of what the last person saw.
const session = createSession(() => window.location.assign(loginPath(window.location)));
const deps: Deps = { session, client: createGraphqlClient(session) };
const router = createBrowserRouter(createRoutes(deps));
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App deps={deps}>
      <RouterProvider router={router} />
    </App>
  </StrictMode>,
);
