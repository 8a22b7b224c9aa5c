/** `/login?next=…` */
import { Center } from '@mantine/core';
import { type RouteObject, useNavigate, useSearchParams } from 'react-router';
import { LoginForm } from '../features/session/login-form';

export function loginRoute(): RouteObject {
  return { path: '/login', Component: LoginPage };
}

/** Where to sign in so as to come back to `here` afterwards. */
export function loginPath(here: { pathname: string; search: string }): string {
  const next = here.pathname + here.search;
  if (next === '/' || here.pathname === '/login') return '/login';
  return `/login?next=${encodeURIComponent(next)}`;
}

function LoginPage() {
  const navigate = useNavigate();
  const [search] = useSearchParams();
  return (
    <Center component="main" mih="100dvh" p="md">
      <LoginForm onSignedIn={() => navigate(ownPath(search.get('next')), { replace: true })} />
    </Center>
  );
}

/** Only paths of this site: a link to the login page must not lead elsewhere afterwards. */
function ownPath(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/';
}
