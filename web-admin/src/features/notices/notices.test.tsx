import { fireEvent, screen, within } from '@testing-library/react';
import { beforeEach, expect, test } from 'vitest';
import type { CreateNoticeTargetInput } from '../../gql/graphql';
import type { DateTime } from '../../lib/scalars';
import { ACME, budgets, id, noticeTarget, noticeTargets, viewer } from '../../testing/fixtures';
import { renderAt } from '../../testing/render-at';
import { type FakeServer, fakeServer } from '../../testing/server';
import { BudgetsQuery } from '../budgets/queries';
import { ViewerQuery } from '../organizations/queries';
import {
  CreateNoticeTargetMutation, DeleteNoticeTargetMutation, NoticeTargetsQuery, TestNoticeTargetMutation,
} from './queries';

const URL = '/orgs/org_1/budgets';
const SINCE = '2026-11-21T03:04:05Z' as DateTime;

let server: FakeServer;

beforeEach(() => {
  server = fakeServer()
    .answer(ViewerQuery, () => viewer)
    .answer(BudgetsQuery, () => budgets([]))
    .answer(NoticeTargetsQuery, () => noticeTargets([noticeTarget()]));
});

async function table(): Promise<HTMLElement> {
  return screen.findByRole('table', { name: 'Targets of notices' });
}

test('a target says how its last deliveries ended', async () => {
  const failing = { failingSince: SINCE, failures: 2, lastError: 'the receiver answered with status 500', waiting: 1, givenUp: 3 };
  server.answer(NoticeTargetsQuery, () => noticeTargets([
    noticeTarget({ deliveredAt: SINCE }),
    noticeTarget({ id: id('target_2'), name: 'finance', kind: 'EMAIL', destination: 'fin@acme.example', ...failing }),
  ]));
  renderAt(URL);
  const [, first, second] = within(await table()).getAllByRole('row');
  expect(first?.textContent).toContain('ops by webhookhttps://ops.example/hook21 Nov 2026, 03:04:05 UTC');
  expect(second?.textContent).toContain('finance by e-mailfin@acme.examplenothing yet');
  expect(second?.textContent).toContain('fails since 21 Nov 2026, 03:04:05 UTC, 2 attempts: the receiver answered with status 500');
  expect(second?.textContent).toContain('1 notice on the way3 notices given up');
});

test('a new webhook is sent as it was filled in, and its secret is shown once', async () => {
  let sent: CreateNoticeTargetInput | undefined;
  server.answer(NoticeTargetsQuery, () => noticeTargets([]));
  server.answer(CreateNoticeTargetMutation, ({ input }) => {
    sent = input;
    server.answer(NoticeTargetsQuery, () => noticeTargets([noticeTarget()]));
    return { createNoticeTarget: { noticeTarget: { __typename: 'NoticeTarget', id: id('target_1') }, secret: 'whsec_abc' } };
  });
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'Add a target' }));
  fireEvent.change(await screen.findByLabelText(/^Name/), { target: { value: 'ops' } });
  fireEvent.change(screen.getByLabelText(/^URL/), { target: { value: 'https://ops.example/hook' } });
  fireEvent.click(screen.getByRole('button', { name: 'Add' }));
  expect((await screen.findByLabelText('Secret')).textContent).toBe('whsec_abc');
  expect(sent).toEqual({ organizationId: ACME, name: 'ops', kind: 'WEBHOOK', destination: 'https://ops.example/hook' });
  fireEvent.click(screen.getByRole('button', { name: 'Done' }));
  await table();
  await expect.poll(() => screen.queryByText('whsec_abc')).toBeNull();
});

test('what the server refuses is said in its words', async () => {
  server.refuse(CreateNoticeTargetMutation, 'BAD_USER_INPUT', 'destination: does not begin with https://');
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'Add a target' }));
  fireEvent.change(await screen.findByLabelText(/^Name/), { target: { value: 'ops' } });
  fireEvent.change(screen.getByLabelText(/^URL/), { target: { value: 'http://ops.example/hook' } });
  fireEvent.click(screen.getByRole('button', { name: 'Add' }));
  expect((await screen.findByRole('alert')).textContent).toContain('does not begin with https://');
});

test('a test says what came of it', async () => {
  server.answer(TestNoticeTargetMutation, () => ({ testNoticeTarget: { ok: false, message: 'localhost has no public address' } }));
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'Test ops' }));
  expect((await screen.findByRole('status')).textContent).toBe('Test: localhost has no public address');
});

test('a target is deleted when somebody is sure', async () => {
  server.answer(DeleteNoticeTargetMutation, ({ input }) => {
    server.answer(NoticeTargetsQuery, () => noticeTargets([]));
    return { deleteNoticeTarget: { id: input.id } };
  });
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'Delete ops' }));
  fireEvent.click(await screen.findByRole('button', { name: 'Really delete ops' }));
  await screen.findByText(/There is none yet/);
});

test('an auditor reads and changes nothing', async () => {
  server.answer(NoticeTargetsQuery, () => noticeTargets([noticeTarget()], 'AUDITOR'));
  renderAt(URL);
  await table();
  expect(screen.queryByRole('button', { name: 'Add a target' })).toBeNull();
  expect(screen.queryByRole('button', { name: 'Test ops' })).toBeNull();
});

test('whoever may not see the targets sees no section', async () => {
  server.refuse(NoticeTargetsQuery, 'FORBIDDEN', 'the role finance does not allow ReadPolicies');
  renderAt(URL);
  await screen.findByText(/no budget yet/);
  await expect.poll(() => server.asked.filter((path) => path === '/graphql').length).toBeGreaterThan(2);
  expect(screen.queryByText('Notices')).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
});
