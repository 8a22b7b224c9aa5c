/** The calls that were cut short, one by one, a page at a time. */
import { Badge, Group, Paper, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import type { CutCallsQuery as Page, Outcome } from '../../gql/graphql';
import { finestOf, formatMoment } from '../../lib/format';
import { describe } from '../../lib/graphql-client';
import type { Period } from '../../lib/period';
import { cutCallsCsv } from '../../lib/reports';
import type { Id } from '../../lib/scalars';
import { Amount } from '../../ui/amount';
import { Failure } from '../../ui/failure';
import { Pager } from '../../ui/pager';
import classes from '../../ui/table.module.css';
import { DownloadButton } from './download-button';
import { CutCallsQuery } from './queries';

type CutCall = Page['organization']['chargeback']['cutCalls']['nodes'][number];

const ENDINGS: Record<Outcome, { label: string; color: string }> = {
  ANSWERED: { label: 'answered', color: 'gray' },
  FAILED: { label: 'failed', color: 'gray' },
  BROKEN: { label: 'provider broke off', color: 'orange' },
  CUT: { label: 'app left', color: 'gray' },
  INTERRUPTED: { label: 'node stopped', color: 'red' },
};

interface Props {
  organizationId: Id;
  period: Period;
}

export function CutCalls({ organizationId, period }: Props) {
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  const after = cursors.at(-1) ?? null;
  const [{ data, error, fetching }, retry] = useQuery({
    query: CutCallsQuery,
    variables: { organizationId, period, after },
  });
  if (error) {
    return (
      <Failure
        title="The calls cut short could not be loaded"
        message={describe(error)}
        onRetry={() => retry({ requestPolicy: 'network-only' })}
      />
    );
  }
  const { nodes = [], pageInfo } = data?.organization.chargeback.cutCalls ?? {};
  if (nodes.length === 0) return null;
  return (
    <Paper withBorder p={{ base: 'md', sm: 'lg' }} component="section" aria-label="Calls cut short">
      <Group justify="space-between" align="flex-start" mb="xs">
        <Stack gap={2} maw={640}>
          <Title order={2} size="h4">Calls cut short</Title>
          <Text size="sm" c="dimmed">
            These answers did not come to their end, so no provider said what they cost. Each is charged at least what
            was seen of the answer and at most what was reserved, and is part of the lines above.
          </Text>
        </Stack>
        <DownloadButton url={cutCallsCsv(organizationId, period)} size="xs">Download these</DownloadButton>
      </Group>
      <CutCallsTable calls={nodes} />
      <Pager
        isBusy={fetching}
        hasPrevious={cursors.length > 1}
        next={pageInfo?.hasNextPage ? pageInfo.endCursor : null}
        onPrevious={() => setCursors(cursors.slice(0, -1))}
        onNext={(cursor) => setCursors([...cursors, cursor])}
      />
    </Paper>
  );
}

function CutCallsTable({ calls }: { calls: CutCall[] }) {
  const amounts = calls.flatMap(({ streamed, cost, suspense, reserved }) => [streamed, cost, suspense, reserved]);
  const fineDigits = finestOf(amounts);
  return (
    <Table.ScrollContainer minWidth={0} type="native">
      <Table className={classes.table} verticalSpacing="xs" aria-label="Calls cut short">
        <Table.Thead>
          <Table.Tr>
            {['Model', 'Admitted', 'Ending'].map((label) => <Table.Th key={label}>{label}</Table.Th>)}
            {['Seen', 'Reserved', 'Suspense', 'Charged'].map((label) => (
              <Table.Th key={label} className={classes.number}>{label}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {calls.map((call) => <CutCallRow key={call.eventId} call={call} fineDigits={fineDigits} />)}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function CutCallRow({ call, fineDigits }: { call: CutCall; fineDigits: number }) {
  const { label, color } = ENDINGS[call.outcome];
  const amounts = [['Seen', call.streamed], ['Reserved', call.reserved], ['Suspense', call.suspense]] as const;
  return (
    <Table.Tr className={classes.row}>
      <Table.Td className={classes.lead}>
        {call.model} <span className={classes.detail}>at {call.provider}</span>
        <Text size="xs" c="dimmed" ff="monospace" className={classes.id}>{call.eventId}</Text>
      </Table.Td>
      <Table.Td className={classes.text} data-label="Admitted">{formatMoment(call.admittedAt)}</Table.Td>
      <Table.Td className={classes.text} data-label="Ending">
        <Badge variant="light" color={color} tt="none">{label}</Badge>
      </Table.Td>
      {amounts.map(([name, usd]) => (
        <Table.Td key={name} className={classes.number} data-label={name}>
          <Amount usd={usd} fineDigits={fineDigits} />
        </Table.Td>
      ))}
      <Table.Td className={classes.cost} data-label="Charged">
        <Amount usd={call.cost} fineDigits={fineDigits} />
      </Table.Td>
    </Table.Tr>
  );
}
