/** Everything around the pages: look, session, GraphQL client. Tests render the same with a router of their own. */
import { MantineProvider } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Client, Provider } from 'urql';
import type { Session } from './lib/session';
import { SessionContext } from './lib/session-context';
import { theme } from './theme';

/** What pages may use of the world. */
export interface Deps {
  session: Session;
  client: Client;
}

export function App({ deps, children }: { deps: Deps; children: ReactNode }) {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <SessionContext value={deps.session}>
        <Provider value={deps.client}>{children}</Provider>
      </SessionContext>
    </MantineProvider>
  );
}
