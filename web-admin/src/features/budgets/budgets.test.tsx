import { fireEvent, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CreateBudgetInput, RaiseBudgetInput, UpdateBudgetInput } from '../../gql/graphql';
import type { DateTime } from '../../lib/scalars';
import { ACME, budget, budgets, id, noticeTargets, usd, viewer } from '../../testing/fixtures';
import { renderAt } from '../../testing/render-at';
import { type FakeServer, fakeServer } from '../../testing/server';
import { NoticeTargetsQuery } from '../notices/queries';
import { ViewerQuery } from '../organizations/queries';
import { BudgetsQuery, CreateBudgetMutation, RaiseBudgetMutation, ScopesQuery, UpdateBudgetMutation } from './queries';

const URL = '/orgs/org_1/budgets';
const FISCAL = budget({
  id: id('budget_2'),
  name: 'research',
  scope: 'TEAM',
  scopeId: id('team_1'),
  window: 'YEAR',
  timeZone: 'Asia/Kolkata',
  fiscalStartMonth: 4,
  state: { ...budget().state, windowId: 'FY2027', resetsAt: '2027-03-31T18:30:00Z' as DateTime },
});

let server: FakeServer;

beforeEach(() => {
  // The four hundred there are take the simulated browser a second.
  vi.spyOn(Intl, 'supportedValuesOf').mockReturnValue(['Asia/Kolkata', 'Australia/Lord_Howe']);
  server = fakeServer()
    .answer(ViewerQuery, () => viewer)
    .answer(BudgetsQuery, () => budgets([budget(), FISCAL]))
    .answer(NoticeTargetsQuery, () => noticeTargets([]))
    .answer(ScopesQuery, () => ({
      organization: {
        id: ACME,
        teams: { nodes: [{ id: id('team_1'), name: 'Search' }] },
        members: { nodes: [] },
        keys: { nodes: [{ id: id('key_1'), name: 'nightly' }] },
      },
    }));
});

afterEach(() => {
  vi.restoreAllMocks();
});

function fill(label: RegExp, value: string): void {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
}

test('a budget says when it starts afresh, in its own time zone', async () => {
  renderAt(URL);
  const rows = within(await screen.findByRole('table', { name: 'Budgets' })).getAllByRole('row');
  expect(rows[1]?.textContent).toContain('Every month UTC2026-11until 1 Dec 2026, 00:00 in UTC');
  expect(rows[2]?.textContent).toContain('Every year, years begin in April Asia/Kolkata');
  expect(rows[2]?.textContent).toContain('FY2027until 1 Apr 2027, 00:00 in Asia/Kolkata');
  expect(rows[1]?.textContent).toContain('$87.50');
});

test('a lifetime has no end to show', async () => {
  const never = budget({ window: 'LIFETIME', state: { ...budget().state, windowId: 'lifetime', resetsAt: null } });
  server.answer(BudgetsQuery, () => budgets([never]));
  renderAt(URL);
  const table = await screen.findByRole('table', { name: 'Budgets' });
  expect(table.textContent).toContain('Never');
  expect(table.textContent).not.toContain('until');
});

test('a new budget is sent as it was filled in, and shown', async () => {
  let sent: CreateBudgetInput | undefined;
  server.answer(CreateBudgetMutation, ({ input }) => {
    sent = input;
    server.answer(BudgetsQuery, () => budgets([budget({ name: 'night shift' })]));
    return { createBudget: { budget: { __typename: 'Budget', id: id('budget_3') } } };
  });
  server.answer(BudgetsQuery, () => budgets([]));
  renderAt(URL);
  await screen.findByText(/no budget yet/);
  fireEvent.click(screen.getByRole('button', { name: 'New budget' }));
  await screen.findByText('nightly');
  fill(/^Name/, 'night shift');
  fill(/^For/, 'KEY key_1');
  fill(/^Limit/, '0.000000000001');
  fill(/^Starts afresh/, 'QUARTER');
  fill(/^Years begin in/, '7');
  fill(/^Time zone/, 'Australia/Lord_Howe');
  fill(/^At the limit/, 'SOFT');
  fill(/^Thresholds/, '50,100');
  fill(/^Only models/, 'openai/gpt-5, openai/gpt-5-mini,');
  fill(/^Only the tag/, 'project=atlas=2');
  fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  await screen.findByText('night shift');
  expect(sent).toEqual({
    organizationId: ACME,
    name: 'night shift',
    scope: 'KEY',
    scopeId: 'key_1',
    limit: '0.000000000001',
    window: 'QUARTER',
    timeZone: 'Australia/Lord_Howe',
    fiscalStartMonth: 7,
    enforcement: 'SOFT',
    thresholds: [50, 100],
    filter: {
      models: ['openai/gpt-5', 'openai/gpt-5-mini'],
      providers: [],
      dataClasses: [],
      tag: { key: 'project', value: 'atlas=2' },
    },
  });
});

test('a change begins from what the budget is, and keeps what the form does not show', async () => {
  let sent: UpdateBudgetInput | undefined;
  server.answer(UpdateBudgetMutation, ({ input }) => {
    sent = input;
    return { updateBudget: { budget: { id: id('budget_2') } } };
  });
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'Change research' }));
  const zone = await screen.findByLabelText<HTMLInputElement>(/^Time zone/);
  expect(zone.value).toBe('Asia/Kolkata');
  expect(screen.getByLabelText<HTMLSelectElement>(/^Years begin in/).value).toBe('4');
  fill(/^Starts afresh/, 'LIFETIME');
  expect(screen.queryByLabelText(/^Time zone/)).toBeNull();
  fill(/^Limit/, '250');
  fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  await expect.poll(() => sent).toEqual({
    organizationId: ACME,
    id: 'budget_2',
    name: 'research',
    limit: usd('250'),
    window: 'LIFETIME',
    timeZone: 'Asia/Kolkata',
    fiscalStartMonth: 4,
    enforcement: 'HARD',
    thresholds: [80, 100],
    filter: { models: [], providers: [], dataClasses: [], tag: null },
  });
});

test('a soft budget that is exceeded and counts one tag says so', async () => {
  const filter = { models: [], providers: ['openai'], dataClasses: [], tag: { key: 'project', value: 'atlas' } };
  const notices = [{ percent: 80, reachedAt: '2026-11-21T10:30:00Z' as DateTime }];
  const soft = budget({ enforcement: 'SOFT', filter, notices, state: { ...budget().state, exceeded: true } });
  server.answer(BudgetsQuery, () => budgets([soft]));
  renderAt(URL);
  const table = await screen.findByRole('table', { name: 'Budgets' });
  expect(table.textContent).toContain('· soft exceeded80 % reached 21 Nov 2026, 10:30 in UTConly providers openai; tag project=atlas');
});

test('a raise is sent with its end and its reason, and the limit it makes is shown', async () => {
  let sent: RaiseBudgetInput | undefined;
  server.answer(RaiseBudgetMutation, ({ input }) => {
    sent = input;
    const state = { ...budget().state, effectiveLimit: usd('125') };
    server.answer(BudgetsQuery, () => budgets([budget({ state })]));
    return { raiseBudget: { budget: { __typename: 'Budget', id: id('budget_1') } } };
  });
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'Raise everybody' }));
  await screen.findByLabelText(/^Add/);
  fill(/^Add/, '25');
  fill(/^Until/, '2026-12-01T09:30');
  fill(/^Reason/, 'launch');
  fireEvent.click(screen.getByRole('button', { name: 'Raise' }));
  await screen.findByText('$125.00');
  expect(sent).toEqual({
    organizationId: ACME,
    id: 'budget_1',
    amount: '25',
    until: new Date('2026-12-01T09:30').toISOString(),
    reason: 'launch',
  });
});

test('a zone that the server does not know is refused in its words', async () => {
  server.refuse(UpdateBudgetMutation, 'BAD_USER_INPUT', 'timeZone: there is no time zone "Mars" in the IANA database');
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'Change everybody' }));
  await screen.findByLabelText(/^Time zone/);
  fill(/^Time zone/, 'Mars');
  fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect((await screen.findByRole('alert')).textContent).toContain('no time zone "Mars"');
});

test('the time zones that the browser knows are offered, and UTC first', async () => {
  renderAt(URL);
  fireEvent.click(await screen.findByRole('button', { name: 'New budget' }));
  await screen.findByLabelText(/^Time zone/);
  const offered = [...document.querySelectorAll('datalist option')].map((option) => option.getAttribute('value'));
  expect(offered).toEqual(['UTC', 'Asia/Kolkata', 'Australia/Lord_Howe']);
});

test('whoever may only read budgets is offered no change', async () => {
  server.answer(BudgetsQuery, () => budgets([budget()], 'FINANCE'));
  renderAt(URL);
  await screen.findByRole('table', { name: 'Budgets' });
  expect(screen.queryByRole('button', { name: /^(New|Change|Raise)/ })).toBeNull();
});
