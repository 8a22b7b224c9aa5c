/** One budget a row; on a narrow screen each is a card. */
import { Button, Table, Text } from '@mantine/core';
import { finestOf, formatMomentIn } from '../../lib/format';
import { Amount } from '../../ui/amount';
import classes from '../../ui/table.module.css';
import { type Budget, describeWindow } from './calendar';

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
}

export function BudgetsTable({ budgets, onEdit }: Props) {
  const fineDigits = finestOf(budgets.flatMap(({ limit, state }) => [limit, state.spent, state.suspense, state.available]));
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
          {budgets.map((budget) => <BudgetRow key={budget.id} {...{ budget, fineDigits, onEdit }} />)}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function BudgetRow({ budget, fineDigits, onEdit }: Omit<Props, 'budgets'> & { budget: Budget; fineDigits: number }) {
  const { state, timeZone } = budget;
  const amounts = [['Spent', state.spent], ['Suspense', state.suspense], ['Available', state.available]] as const;
  return (
    <Table.Tr className={classes.row}>
      <Table.Td className={classes.lead}>
        {budget.name} <span className={classes.detail}>for {SCOPES[budget.scope]}</span>
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
      </Table.Td>
      {onEdit && (
        <Table.Td className={classes.number}>
          <Button variant="default" size="xs" aria-label={`Change ${budget.name}`} onClick={() => onEdit(budget)}>
            Change
          </Button>
        </Table.Td>
      )}
    </Table.Tr>
  );
}
