/** Three ways to read the same lines. Grouping puts lines in another order and adds nothing up. */
import type { ChargebackQuery } from '../../gql/graphql';

export type Line = ChargebackQuery['organization']['chargeback']['lines'][number];
export type Grouping = 'team' | 'key' | 'model';

export interface Group {
  id: string;
  title: string;
  lines: Line[];
}

export const GROUPINGS: { value: Grouping; label: string }[] = [
  { value: 'team', label: 'Team' },
  { value: 'key', label: 'Key' },
  { value: 'model', label: 'Model' },
];

export function isGrouping(text: string): text is Grouping {
  return GROUPINGS.some(({ value }) => value === text);
}

/** The lines in groups by title, those without a team last; within a group they keep the server's order. */
export function arrange(lines: readonly Line[], grouping: Grouping): Group[] {
  const groups = new Map<string, Group>();
  for (const line of lines) {
    const { id, title } = placeOf(line, grouping);
    const group = groups.get(id) ?? { id, title, lines: [] };
    group.lines.push(line);
    groups.set(id, group);
  }
  return [...groups.values()].sort(byTitle);
}

function byTitle(a: Group, b: Group): number {
  const nameless = Number(a.id === '') - Number(b.id === '');
  return nameless || a.title.localeCompare(b.title, 'en') || a.id.localeCompare(b.id, 'en');
}

function placeOf(line: Line, grouping: Grouping): { id: string; title: string } {
  switch (grouping) {
    case 'team':
      return { id: line.teamId ?? '', title: teamTitle(line) };
    case 'key':
      return { id: line.keyId, title: line.keyName };
    case 'model':
      return { id: line.model, title: line.model };
  }
}

/** A team's name; a team that no longer exists is known by its id. */
export function teamTitle(line: Line): string {
  return line.teamName ?? line.teamId ?? 'No team';
}
