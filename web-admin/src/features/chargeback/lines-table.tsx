/** The lines under the headings of their groups. On a narrow screen each line is a card. */
import { Table } from '@mantine/core';
import { finestOf, formatCount } from '../../lib/format';
import { Amount } from '../../ui/amount';
import classes from '../../ui/table.module.css';
import { type QuantityColumn, quantityColumns } from './columns';
import { arrange, type Grouping, type Line, teamTitle } from './grouping';

interface Described {
  label: string;
  of: (line: Line) => { text: string; detail: string | null };
}

const DESCRIBED: Record<Grouping, Described> = {
  team: { label: 'Team', of: (line) => ({ text: teamTitle(line), detail: costCentre(line) }) },
  key: { label: 'Key', of: (line) => ({ text: line.keyName, detail: null }) },
  model: { label: 'Model', of: (line) => ({ text: line.model, detail: `at ${line.provider}` }) },
};

// What the group's heading says already is not repeated in its lines, but for the detail that may differ there.
const COLUMNS: Record<Grouping, Described[]> = {
  team: [DESCRIBED.key, DESCRIBED.model, { label: 'Cost centre', of: (line) => bare(line.costCentre) }],
  key: [DESCRIBED.model, DESCRIBED.team],
  model: [DESCRIBED.team, DESCRIBED.key, { label: 'Provider', of: (line) => bare(line.provider) }],
};

export function LinesTable({ lines, grouping }: { lines: Line[]; grouping: Grouping }) {
  const described = COLUMNS[grouping];
  const quantities = quantityColumns(lines);
  const fineDigits = finestOf(lines.map((line) => line.cost));
  return (
    <Table.ScrollContainer minWidth={0} type="native">
      <Table className={classes.table} verticalSpacing="xs" aria-label={`Lines by ${grouping}`}>
        <Table.Thead>
          <Table.Tr>
            {described.map(({ label }) => <Table.Th key={label}>{label}</Table.Th>)}
            {quantities.map(({ label }) => <Table.Th key={label} className={classes.number}>{label}</Table.Th>)}
            <Table.Th className={classes.number}>Cost</Table.Th>
          </Table.Tr>
        </Table.Thead>
        {arrange(lines, grouping).map((group) => (
          <Table.Tbody key={group.id}>
            <Table.Tr className={classes.group}>
              <Table.Th colSpan={described.length + quantities.length + 1} scope="rowgroup">{group.title}</Table.Th>
            </Table.Tr>
            {group.lines.map((line) => (
              <LineRow key={identity(line)} {...{ line, described, quantities, fineDigits }} />
            ))}
          </Table.Tbody>
        ))}
      </Table>
    </Table.ScrollContainer>
  );
}

interface RowProps {
  line: Line;
  described: Described[];
  quantities: QuantityColumn[];
  fineDigits: number;
}

function LineRow({ line, described, quantities, fineDigits }: RowProps) {
  return (
    <Table.Tr className={classes.row}>
      {described.map(({ label, of }, index) => {
        const { text, detail } = of(line);
        return (
          <Table.Td key={label} className={index === 0 ? classes.lead : classes.text} data-label={label}>
            {text}
            {detail && <span className={classes.detail}> {detail}</span>}
          </Table.Td>
        );
      })}
      {quantities.map(({ label, of }) => (
        <Table.Td key={label} className={classes.number} data-label={label} data-zero={of(line) === 0 || undefined}>
          {formatCount(of(line))}
        </Table.Td>
      ))}
      <Table.Td className={classes.cost} data-label="Cost">
        <Amount usd={line.cost} fineDigits={fineDigits} />
      </Table.Td>
    </Table.Tr>
  );
}

function identity(line: Line): string {
  return [line.teamId, line.costCentre, line.keyId, line.model, line.provider].join(' ');
}

function costCentre(line: Line): string | null {
  return line.costCentre === null ? null : `cost centre ${line.costCentre}`;
}

function bare(text: string | null): { text: string; detail: null } {
  return { text: text ?? '–', detail: null };
}
