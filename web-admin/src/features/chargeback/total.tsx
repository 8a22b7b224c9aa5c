/** What the month comes to, and whether the ledger agrees. */
import { Alert, Group, Stack, Text } from '@mantine/core';
import { formatClock, formatCounted, formatUsd } from '../../lib/format';
import type { Count, DateTime, Usd } from '../../lib/scalars';
import { Amount } from '../../ui/amount';
import { CheckIcon } from '../../ui/icons';

interface Props {
  total: Usd;
  /** Everything admitted before this is in the total; null where some node has yet to say so. */
  completeTo: DateTime | null;
  ledgerTotal: Usd;
  eventCount: Count;
  isRunning: boolean;
}

export function Total({ total, completeTo, ledgerTotal, eventCount, isRunning }: Props) {
  return (
    <Stack gap={4}>
      <Text size="sm" c="dimmed">{isRunning ? 'Total so far' : 'Total'}</Text>
      <Text component="output" aria-label="Total" fz={{ base: 28, sm: 36 }} fw={600} lh={1.2}>
        <Amount usd={total} />
      </Text>
      <Text size="sm" c="dimmed">
        {completeTo === null ? 'not known to be complete: a node has yet to report' : `complete to ${formatClock(completeTo)}`}
      </Text>
      {ledgerTotal === total ? (
        <Group gap={6} c="dimmed" wrap="nowrap" align="center">
          <Text c="teal" component="span" lh={0}><CheckIcon /></Text>
          <Text size="sm">
            {formatCounted(eventCount, 'usage event')}; lines, events and ledger agree to the last digit.
          </Text>
        </Group>
      ) : (
        <Alert color="red" variant="light" role="alert" title="The ledger does not agree">
          The ledger says {formatUsd(ledgerTotal)}. Do not close this period; tell whoever runs Weir.
        </Alert>
      )}
    </Stack>
  );
}
