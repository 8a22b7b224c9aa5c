import { fireEvent, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { ViewerQuery } from '../organizations/queries';
import { viewer } from '../../testing/fixtures';
import { renderAt } from '../../testing/render-at';
import { fakeServer, json, tokenAnswer } from '../../testing/server';

async function submit(): Promise<void> {
  fireEvent.change(await screen.findByLabelText('E-mail'), { target: { value: 'ada@acme.example' } });
  fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'secret' } });
  fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
}

test('a refusal is shown in plain words', async () => {
  const message = 'the e-mail address or the password is wrong';
  fakeServer().on('/auth/login', () => json(401, { error: { code: 'UNAUTHENTICATED', message } }));
  renderAt('/login');
  await submit();
  expect((await screen.findByRole('alert')).textContent).toBe('The e-mail address or the password is wrong.');
});

test('a server that cannot be reached is not called a wrong password', async () => {
  fakeServer().on('/auth/login', () => Promise.reject(new TypeError('fetch failed')));
  renderAt('/login');
  await submit();
  expect((await screen.findByRole('alert')).textContent).toContain('cannot be reached');
});

test.each(['https://evil.example/', '//evil.example/', '/\\evil.example/'])(
  'signing in does not lead to %s',
  async (next) => {
    const member = { ...viewer, viewer: { ...viewer.viewer, memberships: [] } };
    fakeServer().on('/auth/login', () => tokenAnswer('first')).answer(ViewerQuery, () => member);
    const page = renderAt(`/login?next=${encodeURIComponent(next)}`);
    await submit();
    await screen.findByText(/not a member of any organization/);
    expect(page.address()).toBe('/');
  },
);
