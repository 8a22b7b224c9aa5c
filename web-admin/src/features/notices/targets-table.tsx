/** One target a row; on a narrow screen each is a card. */
import { Button, Group, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useMutation } from 'urql';
import type { NoticeTargetsQuery } from '../../gql/graphql';
import { formatCounted, formatMoment } from '../../lib/format';
import { describe } from '../../lib/graphql-client';
import type { Id } from '../../lib/scalars';
import classes from '../../ui/table.module.css';
import { DeleteNoticeTargetMutation, TestNoticeTargetMutation } from './queries';

type Target = NoticeTargetsQuery['organization']['noticeTargets']['nodes'][number];

interface Props {
  organizationId: Id;
  targets: Target[];
  mayManage: boolean;
  onChanged: () => void;
}

export function TargetsTable({ targets, ...rest }: Props) {
  return (
    <Table className={classes.table} verticalSpacing="xs" aria-label="Targets of notices">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Target</Table.Th>
          <Table.Th>Last delivery</Table.Th>
          {rest.mayManage && <Table.Th aria-label="Change" />}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {targets.map((target) => <TargetRow key={target.id} target={target} {...rest} />)}
      </Table.Tbody>
    </Table>
  );
}

function TargetRow({ target, organizationId, mayManage, onChanged }: Omit<Props, 'targets'> & { target: Target }) {
  const [tested, test] = useMutation(TestNoticeTargetMutation);
  const [removed, remove] = useMutation(DeleteNoticeTargetMutation);
  const [isSure, setIsSure] = useState(false);
  const input = { organizationId, id: target.id };
  const error = tested.error ?? removed.error;
  const outcome = tested.data?.testNoticeTarget;
  return (
    <Table.Tr className={classes.row}>
      <Table.Td className={classes.lead}>
        {target.name} <span className={classes.detail}>by {target.kind === 'EMAIL' ? 'e-mail' : 'webhook'}</span>
        <Text size="xs" c="dimmed" className={classes.id}>{target.destination}</Text>
      </Table.Td>
      <Table.Td className={classes.text} data-label="Last delivery">
        <Deliveries target={target} />
        {outcome && <Text size="xs" c={outcome.ok ? 'green' : 'red'} role="status">Test: {outcome.message}</Text>}
        {error && <Text size="xs" c="red" role="alert">{describe(error)}</Text>}
      </Table.Td>
      {mayManage && (
        <Table.Td className={classes.actions}>
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            <Button
              variant="default"
              size="xs"
              loading={tested.fetching}
              aria-label={`Test ${target.name}`}
              onClick={() => void test({ input }).then(onChanged)}
            >
              Send a test
            </Button>
            <Button
              variant={isSure ? 'filled' : 'default'}
              color="red"
              size="xs"
              loading={removed.fetching}
              aria-label={isSure ? `Really delete ${target.name}` : `Delete ${target.name}`}
              onClick={() => (isSure ? void remove({ input }).then(onChanged) : setIsSure(true))}
            >
              {isSure ? 'Really?' : 'Delete'}
            </Button>
          </Group>
        </Table.Td>
      )}
    </Table.Tr>
  );
}

function Deliveries({ target }: { target: Target }) {
  const { deliveredAt, failingSince, failures, lastError, waiting, givenUp } = target;
  return (
    <>
      {deliveredAt ? formatMoment(deliveredAt) : <span className={classes.detail}>nothing yet</span>}
      {failingSince && (
        <Text size="xs" c="red">
          fails since {formatMoment(failingSince)}, {formatCounted(failures, 'attempt')}: {lastError}
        </Text>
      )}
      {waiting > 0 && <Text size="xs" c="dimmed">{formatCounted(waiting, 'notice')} on the way</Text>}
      {givenUp > 0 && <Text size="xs" c="red">{formatCounted(givenUp, 'notice')} given up</Text>}
    </>
  );
}
