/** One organization with a little usage, in the shapes of the documents. */
import type { BudgetsQuery, ChargebackQuery, CutCallsQuery, NoticeTargetsQuery, ViewerQuery } from '../gql/graphql';
import type { DateTime, Id, Usd } from '../lib/scalars';

export const usd = (text: string) => text as Usd;
export const id = (text: string) => text as Id;

export const ACME = id('org_1');

type Line = ChargebackQuery['organization']['chargeback']['lines'][number];
type Budget = BudgetsQuery['organization']['budgets']['nodes'][number];
type NoticeTarget = NoticeTargetsQuery['organization']['noticeTargets']['nodes'][number];
type CutCall = CutCallsQuery['organization']['chargeback']['cutCalls']['nodes'][number];

export const viewer: ViewerQuery = {
  viewer: {
    person: { id: id('person_1'), name: 'Ada Lovelace', email: 'ada@acme.example' },
    memberships: [{ role: 'FINANCE', organization: { id: ACME, name: 'Acme' } }],
  },
};

export function line(change: Partial<Line> = {}): Line {
  return {
    teamId: id('team_1'),
    teamName: 'Search',
    costCentre: '4711',
    keyId: id('key_1'),
    keyName: 'search-production',
    model: 'openai/gpt-5-mini',
    provider: 'openai',
    requests: 3,
    inputTokens: 1200,
    cachedInputTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 60,
    reasoningTokens: 0,
    audioInputTokens: 0,
    audioOutputTokens: 0,
    imageInputUnits: 0,
    imageOutputUnits: 0,
    chargedRequests: 0,
    chargedToolCalls: 0,
    cost: usd('0.000081'),
    ...change,
  };
}

export function chargeback(period: string, lines: Line[], total: string, ledgerTotal = total): ChargebackQuery {
  const completeTo = '2026-11-21T14:03:22.25Z' as DateTime;
  const report = { period, completeTo, total: usd(total), ledgerTotal: usd(ledgerTotal), eventCount: 3, lines };
  return { organization: { id: ACME, chargeback: report } };
}

export function cutCall(number: number): CutCall {
  return {
    eventId: id(`req_${number}.1`),
    keyId: id('key_1'),
    admittedAt: '2026-11-21T03:04:05Z' as DateTime,
    model: 'openai/gpt-5-mini',
    provider: 'openai',
    outcome: 'CUT',
    streamed: usd('0.000012'),
    cost: usd('0.000051'),
    suspense: usd('0'),
    reserved: usd('0.008251'),
  };
}

export function cutCalls(period: string, nodes: CutCall[], endCursor: string | null = null): CutCallsQuery {
  const pageInfo = { hasNextPage: endCursor !== null, endCursor };
  return { organization: { id: ACME, chargeback: { period, cutCalls: { nodes, pageInfo } } } };
}

export function budget(change: Partial<Budget> = {}): Budget {
  const spent = { spent: usd('12.5'), suspense: usd('0'), available: usd('87.5') };
  return {
    id: id('budget_1'),
    name: 'everybody',
    scope: 'ORG',
    scopeId: null,
    limit: usd('100'),
    window: 'MONTH',
    timeZone: 'UTC',
    fiscalStartMonth: 1,
    enforcement: 'HARD',
    filter: null,
    thresholds: [80, 100],
    notices: [],
    state: { ...spent, effectiveLimit: usd('100'), exceeded: false, windowId: '2026-11', resetsAt: '2026-12-01T00:00:00Z' as DateTime },
    ...change,
  };
}

export function budgets(nodes: Budget[], viewerRole: BudgetsQuery['organization']['viewerRole'] = 'ADMIN'): BudgetsQuery {
  return { organization: { id: ACME, viewerRole, budgets: { nodes, pageInfo: { hasNextPage: false, endCursor: null } } } };
}

export function noticeTarget(change: Partial<NoticeTarget> = {}): NoticeTarget {
  const outcome = { deliveredAt: null, failingSince: null, failures: 0, lastError: null, waiting: 0, givenUp: 0 };
  return { id: id('target_1'), name: 'ops', kind: 'WEBHOOK', destination: 'https://ops.example/hook', ...outcome, ...change };
}

export function noticeTargets(nodes: NoticeTarget[], viewerRole: NoticeTargetsQuery['organization']['viewerRole'] = 'ADMIN'): NoticeTargetsQuery {
  return { organization: { id: ACME, viewerRole, noticeTargets: { nodes } } };
}
