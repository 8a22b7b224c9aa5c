import { fireEvent, screen, within } from '@testing-library/react';
import { beforeEach, expect, test } from 'vitest';
import { chargeback, cutCall, cutCalls, id, line, usd, viewer } from '../../testing/fixtures';
import { renderAt } from '../../testing/render-at';
import { type FakeServer, fakeServer } from '../../testing/server';
import { ViewerQuery } from '../organizations/queries';
import { ChargebackQuery, CutCallsQuery } from './queries';

const URL = '/orgs/org_1/chargeback?period=2026-11';
const LINES = [
  line({ model: 'openai/gpt-5-mini', cost: usd('0.000081') }),
  line({ teamId: id('team_2'), teamName: 'Analytics', keyId: id('key_2'), keyName: 'nightly', cost: usd('1234.5') }),
  line({ teamId: null, teamName: null, costCentre: null, keyId: id('key_3'), keyName: 'first-key', cost: usd('2') }),
];

let server: FakeServer;

beforeEach(() => {
  server = fakeServer()
    .answer(ViewerQuery, () => viewer)
    .answer(ChargebackQuery, ({ period }) => chargeback(period, LINES, '1236.500081'))
    .answer(CutCallsQuery, ({ period }) => cutCalls(period, []));
});

function groups(table: HTMLElement): (string | null)[] {
  return [...table.querySelectorAll('th[scope=rowgroup]')].map((heading) => heading.textContent);
}

test('the total is the one the server says, with every digit', async () => {
  renderAt(URL);
  expect((await screen.findByLabelText('Total')).textContent).toBe('$1,236.500081');
  expect(screen.getByText(/3 usage events; lines, events and ledger agree/)).toBeTruthy();
});

test('the total says up to when it is complete', async () => {
  renderAt(URL);
  expect(await screen.findByText('complete to 14:03:22 UTC, 21 Nov 2026')).toBeTruthy();
});

test('a total that no node has vouched for yet says so', async () => {
  const { organization } = chargeback('2026-11', LINES, '1236.500081');
  const unknown = { organization: { ...organization, chargeback: { ...organization.chargeback, completeTo: null } } };
  server.answer(ChargebackQuery, () => unknown);
  renderAt(URL);
  expect(await screen.findByText(/not known to be complete/)).toBeTruthy();
});

test('a ledger that does not agree is an alarm', async () => {
  server.answer(ChargebackQuery, ({ period }) => chargeback(period, LINES, '1236.500081', '1236.500082'));
  renderAt(URL);
  expect((await screen.findByRole('alert')).textContent).toContain('The ledger says $1,236.500082');
});

test('lines are grouped by team, those without one last, and the address changes the grouping', async () => {
  renderAt(URL);
  expect(groups(await screen.findByRole('table', { name: 'Lines by team' }))).toEqual(['Analytics', 'Search', 'No team']);
  fireEvent.click(screen.getByLabelText('Key'));
  const byKey = await screen.findByRole('table', { name: 'Lines by key' });
  expect(groups(byKey)).toEqual(['first-key', 'nightly', 'search-production']);
  expect(within(byKey).getAllByText('$1,234.50')).toHaveLength(1);
});

test('a quantity has a column where it was used, and input and output always', async () => {
  server.answer(ChargebackQuery, ({ period }) => chargeback(period, [line({ reasoningTokens: 7 })], '0.000081'));
  renderAt(URL);
  const table = await screen.findByRole('table', { name: 'Lines by team' });
  const heads = [...table.querySelectorAll('thead th')].map((head) => head.textContent);
  expect(heads).toEqual(['Key', 'Model', 'Cost centre', 'Requests', 'Input', 'Output', 'Reasoning', 'Cost']);
});

test('calls cut short are listed a page at a time', async () => {
  server.answer(CutCallsQuery, ({ period, after }) =>
    after === 'second' ? cutCalls(period, [cutCall(2)]) : cutCalls(period, [cutCall(1)], 'second'),
  );
  renderAt(URL);
  const list = await screen.findByRole('region', { name: 'Calls cut short' });
  expect(within(list).getByText('req_1.1')).toBeTruthy();
  fireEvent.click(within(list).getByRole('button', { name: 'Later' }));
  await screen.findByText('req_2.1');
  expect(screen.queryByText('req_1.1')).toBeNull();
});

test('a month without usage says so', async () => {
  server.answer(ChargebackQuery, ({ period }) => chargeback(period, [], '0'));
  renderAt('/orgs/org_1/chargeback?period=2020-02');
  await screen.findByText('No usage in February 2020');
});

test('a report that cannot be loaded says why, and can be asked for again', async () => {
  server.refuse(ChargebackQuery, 'INTERNAL', 'something went wrong on our side; incident 00ff');
  renderAt(URL);
  expect((await screen.findByRole('alert')).textContent).toContain('Something went wrong on our side; incident 00ff.');
  server.answer(ChargebackQuery, ({ period }) => chargeback(period, LINES, '1236.500081'));
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await screen.findByLabelText('Total');
});

test('another month is asked for and shown', async () => {
  server.answer(ChargebackQuery, ({ period }) =>
    chargeback(period, LINES, period === '2026-10' ? '7' : '1236.500081'),
  );
  renderAt(URL);
  await screen.findByLabelText('Total');
  fireEvent.click(screen.getByRole('button', { name: 'Previous month' }));
  expect(await screen.findByText('$7.00')).toBeTruthy();
});
