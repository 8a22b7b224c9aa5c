import { expect, test, vi } from 'vitest';
import { fakeServer, json, tokenAnswer } from '../testing/server';
import { createSession } from './session';

const REFUSED = () => json(401, { error: { code: 'UNAUTHENTICATED', message: 'the session has ended; log in again' } });

test('requests that begin together share one renewal, since a refresh token serves once', async () => {
  const server = fakeServer().on('/graphql', (_, headers) => json(200, headers.get('authorization')));
  const session = createSession(vi.fn());
  const answers = await Promise.all([session.fetch('/graphql'), session.fetch('/graphql'), session.isSignedIn()]);
  expect(await (answers[0] as Response).json()).toBe('Bearer fresh');
  expect(server.asked.filter((path) => path === '/auth/refresh')).toHaveLength(1);
});

test('a renewal says that it comes from our own page', async () => {
  const sent: Headers[] = [];
  fakeServer().on('/auth/refresh', (_, headers) => {
    sent.push(headers);
    return tokenAnswer('fresh');
  });
  await createSession(vi.fn()).isSignedIn();
  expect(sent[0]?.get('x-weir-csrf')).toBe('1');
});

test('a token is renewed before it ends', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  const server = fakeServer().on('/auth/login', () => tokenAnswer('first', 300));
  const session = createSession(vi.fn());
  await session.signIn('ada@acme.example', 'secret');
  vi.setSystemTime(269_000);
  await session.isSignedIn();
  expect(server.asked).toEqual(['/auth/login']);
  vi.setSystemTime(270_000);
  await session.isSignedIn();
  expect(server.asked).toEqual(['/auth/login', '/auth/refresh']);
});

test('a token that the server no longer takes is renewed once and the request sent again', async () => {
  fakeServer()
    .on('/auth/login', () => tokenAnswer('old'))
    .on('/graphql', (_, headers) => (headers.get('authorization') === 'Bearer fresh' ? json(200, 'ok') : REFUSED()));
  const onEnded = vi.fn();
  const session = createSession(onEnded);
  await session.signIn('ada@acme.example', 'secret');
  expect((await session.fetch('/graphql')).status).toBe(200);
  expect(onEnded).not.toHaveBeenCalled();
});

test('a session that the server has ended is over here too', async () => {
  fakeServer().on('/auth/refresh', REFUSED);
  const onEnded = vi.fn();
  const session = createSession(onEnded);
  expect(await session.isSignedIn()).toBe(false);
  await expect(session.fetch('/graphql')).rejects.toThrow('signed out');
  expect(onEnded).toHaveBeenCalledOnce();
});

test('a server in trouble does not sign anybody out', async () => {
  fakeServer().on('/auth/refresh', () => json(503, {}));
  const onEnded = vi.fn();
  await expect(createSession(onEnded).fetch('/graphql')).rejects.toThrow('503');
  expect(onEnded).not.toHaveBeenCalled();
});

test('too many attempts are answered with when to come back', async () => {
  fakeServer().on('/auth/login', () => json(429, {}, { 'retry-after': '42' }));
  const result = await createSession(vi.fn()).signIn('ada@acme.example', 'guess');
  expect(result).toEqual({ ok: false, message: 'Too many attempts. Try again in 42 seconds.' });
});
