/**
 * Who is signed in. The access token is kept in this page's memory and nowhere else; a reload gets a new one for the
 * refresh cookie, which no script can read.
 */
import { refusal } from './refusal';

/** Renewed this long before it ends, so that a request on its way does not outlive it. */
const MARGIN_MS = 30_000;

export type SignIn = { ok: true } | { ok: false; message: string };

export interface Session {
  /** Signs in; says in plain words why not. */
  signIn(email: string, password: string): Promise<SignIn>;
  /** Whether somebody is signed in, after asking the server if this page does not know. */
  isSignedIn(): Promise<boolean>;
  /** Like `fetch`, in the name of who is signed in. */
  fetch: typeof fetch;
  /** Ends the session, here and on the server. */
  signOut(): Promise<void>;
}

interface Token {
  value: string;
  renewAt: number;
}

/** A session; `onEnded` is told when it is over and nobody is signed in any more. */
export function createSession(onEnded: () => void): Session {
  let token: Token | null = null;
  let renewal: Promise<boolean> | null = null;

  async function take(response: Response): Promise<void> {
    const answer = (await response.json()) as { access_token: string; expires_in: number };
    token = { value: answer.access_token, renewAt: Date.now() + answer.expires_in * 1000 - MARGIN_MS };
  }

  async function renew(): Promise<boolean> {
    const response = await post('/auth/refresh');
    if (response.status === 401 || response.status === 403) {
      token = null;
      return false;
    }
    if (!response.ok) throw new Error(await refusal(response));
    await take(response);
    return true;
  }

  // A refresh token serves once, and using it again ends the session. So renewals never overlap: not in this page (one
  // promise), and not between pages of the same browser (one lock).
  function renewOnce(): Promise<boolean> {
    renewal ??= alone(renew).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  async function isSignedIn(): Promise<boolean> {
    return token !== null && Date.now() < token.renewAt ? true : renewOnce();
  }

  async function fetchSignedIn(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const send = (): Promise<Response> => {
      const headers = new Headers(init.headers);
      if (token) headers.set('authorization', `Bearer ${token.value}`);
      return fetch(input, { ...init, headers });
    };
    if (await isSignedIn()) {
      const response = await send();
      if (response.status !== 401) return response;
      const again = (await renewOnce()) ? await send() : response;
      if (again.status !== 401) return again;
    }
    token = null;
    onEnded();
    throw new Error('You have been signed out.');
  }

  async function signIn(email: string, password: string): Promise<SignIn> {
    const response = await post('/auth/login', { email, password }).catch(() => null);
    if (!response) return { ok: false, message: 'The server cannot be reached. Check the connection and try again.' };
    if (!response.ok) return { ok: false, message: await refusal(response) };
    await take(response);
    return { ok: true };
  }

  async function signOut(): Promise<void> {
    const response = await post('/auth/logout');
    if (!response.ok && response.status !== 401) throw new Error(await refusal(response));
    token = null;
    onEnded();
  }

  return { signIn, isSignedIn, fetch: fetchSignedIn, signOut };
}

function post(path: string, body: object = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'x-weir-csrf': '1' };
  return fetch(path, { method: 'POST', headers, credentials: 'same-origin', body: JSON.stringify(body) });
}

/** Runs `task` while no other page of this browser runs it; browsers without locks just run it. */
function alone<T>(task: () => Promise<T>): Promise<T> {
  const locks: LockManager | undefined = navigator.locks;
  return locks ? locks.request('weir.refresh', task) : task();
}
