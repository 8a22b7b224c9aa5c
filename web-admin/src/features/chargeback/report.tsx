/** The chargeback of one period: total, lines, calls cut short, and the file of it all. */
import { Group, Paper, SegmentedControl, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from 'urql';
import type { ChargebackQuery as Answer } from '../../gql/graphql';
import { describe } from '../../lib/graphql-client';
import { formatPeriod, type Period } from '../../lib/period';
import { chargebackCsv } from '../../lib/reports';
import type { Id } from '../../lib/scalars';
import { Failure } from '../../ui/failure';
import { CutCalls } from './cut-calls';
import { DownloadButton } from './download-button';
import { type Grouping, GROUPINGS, isGrouping } from './grouping';
import { LinesTable } from './lines-table';
import { PeriodPicker } from './period-picker';
import { ChargebackQuery } from './queries';
import { Total } from './total';

type Report = Answer['organization']['chargeback'];

interface Props {
  organizationId: Id;
  period: Period;
  currentPeriod: Period;
  onPeriod: (period: Period) => void;
  grouping: Grouping;
  onGrouping: (grouping: Grouping) => void;
}

export function ChargebackReport(props: Props) {
  const { organizationId, period, currentPeriod, onPeriod } = props;
  const [{ data, error }, retry] = useQuery({ query: ChargebackQuery, variables: { organizationId, period } });
  // Until the answer for another period is here, the old one is still in `data`.
  const report = data?.organization.chargeback.period === period ? data.organization.chargeback : null;
  return (
    <Stack gap="lg">
      <title>{`Chargeback, ${formatPeriod(period)} · Weir`}</title>
      <Group justify="space-between" gap="sm">
        <Title order={1} size="h2">Chargeback</Title>
        <Group gap="sm">
          <PeriodPicker {...{ period, currentPeriod, onPeriod }} />
          <DownloadButton url={chargebackCsv(organizationId, period)}>Download CSV</DownloadButton>
        </Group>
      </Group>
      {error && (
        <Failure
          title={`The report for ${formatPeriod(period)} could not be loaded`}
          message={describe(error)}
          onRetry={() => retry({ requestPolicy: 'network-only' })}
        />
      )}
      {!error && !report && <Waiting />}
      {!error && report && <Content {...props} report={report} />}
    </Stack>
  );
}

function Content({ report, ...props }: Props & { report: Report }) {
  const { organizationId, period, currentPeriod, grouping, onGrouping } = props;
  const { lines, total, completeTo, ledgerTotal, eventCount } = report;
  const isRunning = period === currentPeriod;
  if (lines.length === 0) return <Nothing period={period} isRunning={isRunning} />;
  return (
    <>
      <Total {...{ total, completeTo, ledgerTotal, eventCount, isRunning }} />
      <Paper withBorder p={{ base: 'md', sm: 'lg' }} component="section" aria-label="Lines">
        <SegmentedControl
          mb="sm"
          aria-label="Group lines by"
          data={GROUPINGS}
          value={grouping}
          onChange={(value) => isGrouping(value) && onGrouping(value)}
        />
        <LinesTable lines={lines} grouping={grouping} />
      </Paper>
      <CutCalls key={`${organizationId} ${period}`} organizationId={organizationId} period={period} />
    </>
  );
}

function Nothing({ period, isRunning }: { period: Period; isRunning: boolean }) {
  return (
    <Paper withBorder p="xl">
      <Stack align="center" gap={4} py="lg">
        <Text fw={500}>No usage in {formatPeriod(period)}</Text>
        <Text size="sm" c="dimmed" ta="center">
          {isRunning ? 'Lines appear here seconds after the first request.' : 'Nothing was charged in this period.'}
        </Text>
      </Stack>
    </Paper>
  );
}

function Waiting() {
  return (
    <Stack aria-busy="true" aria-label="Loading the report">
      <Skeleton height={52} width={260} />
      <Skeleton height={280} />
    </Stack>
  );
}
