/** Where an organization's notices of budgets go. Nothing for whoever may not see it. */
import { Button, Group, Modal, Paper, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { describe } from '../../lib/graphql-client';
import type { Id } from '../../lib/scalars';
import { Failure } from '../../ui/failure';
import { NoticeTargetsQuery, TARGET_TYPES } from './queries';
import { TargetForm } from './target-form';
import { TargetsTable } from './targets-table';

/** Who may change targets; the server holds everybody to it. */
const MANAGERS: readonly string[] = ['OWNER', 'ADMIN'];

export function NoticeTargets({ organizationId }: { organizationId: Id }) {
  const [isAdding, setIsAdding] = useState(false);
  const [{ data, error }, retry] = useQuery({
    query: NoticeTargetsQuery,
    variables: { organizationId },
    context: TARGET_TYPES,
  });
  const again = () => retry({ requestPolicy: 'network-only' });
  const nodes = data?.organization.noticeTargets.nodes;
  const mayManage = MANAGERS.includes(data?.organization.viewerRole ?? '');
  const isForbidden = error?.graphQLErrors[0]?.extensions.code === 'FORBIDDEN';
  if (isForbidden || (!nodes && !error)) return null;
  return (
    <Stack gap="sm" component="section" aria-label="Notices">
      <Group justify="space-between" gap="sm">
        <Title order={2} size="h3">Notices</Title>
        {mayManage && <Button variant="default" onClick={() => setIsAdding(true)}>Add a target</Button>}
      </Group>
      <Text size="sm" c="dimmed">A budget that reaches a threshold is told to each of these. What does not arrive is tried again for three days.</Text>
      {error && <Failure title="The targets could not be loaded" message={describe(error)} onRetry={again} />}
      {nodes?.length === 0 && <Text c="dimmed">There is none yet: thresholds are shown here and told to nobody.</Text>}
      {nodes && nodes.length > 0 && (
        <Paper withBorder p={{ base: 'md', sm: 'lg' }}>
          <TargetsTable {...{ organizationId, targets: nodes, mayManage }} onChanged={again} />
        </Paper>
      )}
      <Modal opened={isAdding} onClose={() => setIsAdding(false)} title="Add a target">
        {isAdding && <TargetForm organizationId={organizationId} onDone={() => setIsAdding(false)} />}
      </Modal>
    </Stack>
  );
}
