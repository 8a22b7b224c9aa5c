/** One budget a row; on a narrow screen each is a card. */
import { Button, Group, Table, Text } from '@mantine/core';
import { finestOf, formatMomentIn } from '../../lib/format';
import { Amount } from '../../ui/amount';
import classes from '../../ui/table.module.css';
import { type Budget, describeWindow } from './calendar';
import { describeFilter } from './terms';

const SCOPES: Record<Budget['scope'], string> = {
  ORG: 'the whole organization',
  TEAM: 'a team',
  MEMBER: 'a member',
  KEY: 'a key',
};

interface Props {
  budgets: Budget[];
  /** Null for whoever may not change them. */
  onEdit: ((budget: Budget) => void) | null;
  onRaise: (budget: Budget) => void;
}

export function BudgetsTable({ budgets, onEdit, onRaise }: Props) {
  const fineDigits = finestOf(budgets.flatMap(({ limit, state }) => [limit, state.effectiveLimit, state.spent, state.suspense, state.available]));
  return (
    <Table.ScrollContainer minWidth={0} type="native">
      <Table className={classes.table} verticalSpacing="xs" aria-label="Budgets">
        <Table.Thead>
          <Table.Tr>
            {['Budget', 'Starts afresh', 'Present window'].map((label) => <Table.Th key={label}>{label}</Table.Th>)}
            {['Spent', 'Suspense', 'Available', 'Limit'].map((label) => (
              <Table.Th key={label} className={classes.number}>{label}</Table.Th>
            ))}
            {onEdit && <Table.Th aria-label="Change" />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {budgets.map((budget) => <BudgetRow key={budget.id} {...{ budget, fineDigits, onEdit, onRaise }} />)}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

type RowProps = Omit<Props, 'budgets'> & { budget: Budget; fineDigits: number };

function BudgetRow({ budget, fineDigits, onEdit, onRaise }: RowProps) {
  const filter = describeFilter(budget.filter);
  const notice = budget.notices.at(-1);
  const { state, timeZone } = budget;
  const amounts = [['Spent', state.spent], ['Suspense', state.suspense], ['Available', state.available]] as const;
  return (
    <Table.Tr className={`${classes.row} ${classes.pairs}`}>
      <Table.Td className={classes.lead}>
        {budget.name} <span className={classes.detail}>for {SCOPES[budget.scope]}</span>
        {budget.enforcement === 'SOFT' && <span className={classes.detail}> · soft</span>}
        {budget.state.exceeded && <Text span size="sm" c="red"> exceeded</Text>}
        {notice && <Text size="xs" c="red">{notice.percent} % reached {formatMomentIn(notice.reachedAt, timeZone)}</Text>}
        {filter && <Text size="xs" c="dimmed">only {filter}</Text>}
        {budget.scopeId && <Text size="xs" c="dimmed" ff="monospace" className={classes.id}>{budget.scopeId}</Text>}
      </Table.Td>
      <Table.Td className={classes.text} data-label="Starts afresh">
        {describeWindow(budget)} <span className={classes.detail}>{timeZone}</span>
      </Table.Td>
      <Table.Td className={classes.text} data-label="Present window">
        {state.windowId}
        {state.resetsAt && <Text size="xs" c="dimmed">until {formatMomentIn(state.resetsAt, timeZone)}</Text>}
      </Table.Td>
      {amounts.map(([name, usd]) => (
        <Table.Td key={name} className={classes.number} data-label={name}>
          <Amount usd={usd} fineDigits={fineDigits} />
        </Table.Td>
      ))}
      <Table.Td className={classes.cost} data-label="Limit">
        <Amount usd={budget.limit} fineDigits={fineDigits} />
        {state.effectiveLimit !== budget.limit && (
          <Text size="xs" c="dimmed">now <Amount usd={state.effectiveLimit} fineDigits={fineDigits} /></Text>
        )}
      </Table.Td>
      {onEdit && (
        <Table.Td className={classes.actions}>
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            <Button variant="default" size="xs" aria-label={`Raise ${budget.name}`} onClick={() => onRaise(budget)}>
              Raise
            </Button>
            <Button variant="default" size="xs" aria-label={`Change ${budget.name}`} onClick={() => onEdit(budget)}>
              Change
            </Button>
          </Group>
        </Table.Td>
      )}
    </Table.Tr>
  );
}
