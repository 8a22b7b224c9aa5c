/** The budgets of an organization, with where each stands in its present window. */
import { Button, Group, Modal, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { describe } from '../../lib/graphql-client';
import type { Id } from '../../lib/scalars';
import { Failure } from '../../ui/failure';
import { Pager } from '../../ui/pager';
import { BudgetForm } from './budget-form';
import { BudgetsTable } from './budgets-table';
import type { Budget } from './calendar';
import { BUDGET_TYPES, BudgetsQuery } from './queries';
import { RaiseForm } from './raise-form';

/** Who may change budgets; the server holds everybody to it. */
const MANAGERS: readonly string[] = ['OWNER', 'ADMIN'];

export function BudgetList({ organizationId }: { organizationId: Id }) {
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  const [edited, setEdited] = useState<Budget | 'new' | null>(null);
  const [raised, setRaised] = useState<Budget | null>(null);
  const variables = { organizationId, after: cursors.at(-1) ?? null };
  const [{ data, error, fetching }, retry] = useQuery({ query: BudgetsQuery, variables, context: BUDGET_TYPES });
  const { nodes, pageInfo } = data?.organization.budgets ?? {};
  const mayManage = MANAGERS.includes(data?.organization.viewerRole ?? '');
  const title = edited === 'new' ? 'New budget' : `Change ${edited?.name ?? ''}`;
  return (
    <Stack gap="lg">
      <title>Budgets · Weir</title>
      <Group justify="space-between" gap="sm">
        <Title order={1} size="h2">Budgets</Title>
        {mayManage && <Button onClick={() => setEdited('new')}>New budget</Button>}
      </Group>
      {error && (
        <Failure
          title="The budgets could not be loaded"
          message={describe(error)}
          onRetry={() => retry({ requestPolicy: 'network-only' })}
        />
      )}
      {!error && !nodes && <Skeleton height={280} aria-busy="true" aria-label="Loading the budgets" />}
      {nodes?.length === 0 && <Text c="dimmed">There is no budget yet: nothing limits what is spent.</Text>}
      {nodes && nodes.length > 0 && (
        <Paper withBorder p={{ base: 'md', sm: 'lg' }}>
          <BudgetsTable budgets={nodes} onEdit={mayManage ? setEdited : null} onRaise={setRaised} />
          <Pager
            isBusy={fetching}
            hasPrevious={cursors.length > 1}
            next={pageInfo?.hasNextPage ? pageInfo.endCursor : null}
            onPrevious={() => setCursors(cursors.slice(0, -1))}
            onNext={(cursor) => setCursors([...cursors, cursor])}
          />
        </Paper>
      )}
      <Modal opened={edited !== null} onClose={() => setEdited(null)} title={title}>
        {edited && (
          <BudgetForm
            organizationId={organizationId}
            budget={edited === 'new' ? null : edited}
            onDone={() => setEdited(null)}
          />
        )}
      </Modal>
      <Modal opened={raised !== null} onClose={() => setRaised(null)} title={`Raise ${raised?.name ?? ''}`}>
        {raised && (
          <RaiseForm
            organizationId={organizationId}
            budget={raised}
            onDone={() => {
              setRaised(null);
              retry({ requestPolicy: 'network-only' });
            }}
          />
        )}
      </Modal>
    </Stack>
  );
}
