/** `/`: on to the first organization of who is signed in. */
import { Center, Text } from '@mantine/core';
import { type LoaderFunctionArgs, type RouteObject, redirect } from 'react-router';
import type { Deps } from '../app';
import { ViewerQuery } from '../features/organizations/queries';
import { describe } from '../lib/graphql-client';
import { Loading } from '../ui/loading';
import { chargebackPath } from './chargeback';
import { RouteError } from './error';
import { loginPath } from './login';

export function homeRoute({ session, client }: Deps): RouteObject {
  return {
    path: '/',
    loader: async ({ request }: LoaderFunctionArgs) => {
      if (!(await session.isSignedIn())) return redirect(loginPath(new URL(request.url)));
      const { data, error } = await client.query(ViewerQuery, {}).toPromise();
      if (error) throw new Error(describe(error));
      const first = data?.viewer.memberships[0];
      return first ? redirect(chargebackPath(first.organization.id)) : null;
    },
    Component: NoOrganization,
    ErrorBoundary: RouteError,
    HydrateFallback: Loading,
  };
}

function NoOrganization() {
  return (
    <Center component="main" mih="100dvh" p="md">
      <Text>You are not a member of any organization yet. Ask an admin of yours to add you.</Text>
    </Center>
  );
}
