/** The page's session, for components that sign in, sign out or download. */
import { createContext, useContext } from 'react';
import type { Session } from './session';

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('rendered outside of SessionContext');
  return session;
}
