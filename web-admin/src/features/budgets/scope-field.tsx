/** Whose requests draw on a new budget: everybody's, or those of one team, member or key. */
import { NativeSelect } from '@mantine/core';
import { useQuery } from 'urql';
import type { BudgetScopeKind } from '../../gql/graphql';
import type { Id } from '../../lib/scalars';
import { ScopesQuery } from './queries';

/** What an option of the field stands for: `ORG`, or `TEAM team_…`. */
export function readScope(option: string): { scope: BudgetScopeKind; scopeId: Id | null } {
  const [scope = 'ORG', scopeId] = option.split(' ');
  return { scope: scope as BudgetScopeKind, scopeId: (scopeId as Id | undefined) ?? null };
}

export function ScopeField({ organizationId }: { organizationId: Id }) {
  const [{ data }] = useQuery({ query: ScopesQuery, variables: { organizationId } });
  const { teams, members, keys } = data?.organization ?? {};
  const options = (scope: BudgetScopeKind, named: { id: Id; name: string }[]) =>
    named.map(({ id, name }) => ({ value: `${scope} ${id}`, label: name }));
  const groups = [
    { group: 'Teams', items: options('TEAM', teams?.nodes ?? []) },
    { group: 'Members', items: options('MEMBER', (members?.nodes ?? []).map(({ id, person }) => ({ id, name: person.name }))) },
    { group: 'Keys', items: options('KEY', keys?.nodes ?? []) },
  ];
  return (
    <NativeSelect
      name="scope"
      label="For"
      description="Whose requests draw on it"
      data={[{ value: 'ORG', label: 'The whole organization' }, ...groups.filter(({ items }) => items.length > 0)]}
    />
  );
}
