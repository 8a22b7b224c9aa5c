/** More money on a budget until a moment. */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import type { SubmitEvent } from 'react';
import { useMutation } from 'urql';
import { describe } from '../../lib/graphql-client';
import type { DateTime, Id, Usd } from '../../lib/scalars';
import { Failure } from '../../ui/failure';
import type { Budget } from './calendar';
import { RaiseBudgetMutation } from './queries';

interface Props {
  organizationId: Id;
  budget: Budget;
  onDone: () => void;
}

export function RaiseForm({ organizationId, budget, onDone }: Props) {
  const [{ error, fetching }, raise] = useMutation(RaiseBudgetMutation);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => String(fields.get(name) ?? '').trim();
    const { error: refused } = await raise({
      input: {
        organizationId,
        id: budget.id,
        amount: text('amount') as Usd,
        until: new Date(text('until')).toISOString() as DateTime,
        reason: text('reason'),
      },
    });
    if (!refused) onDone();
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput name="amount" label="Add" description="US dollars on top of the limit" inputMode="decimal" required />
        <TextInput name="until" label="Until" description="In this computer's time zone" type="datetime-local" required />
        <TextInput name="reason" label="Reason" description="Kept in the audit log" required />
        <Text size="sm" c="dimmed">It ends by itself. What was spent under it stays spent.</Text>
        {error && <Failure title="The budget could not be raised" message={describe(error)} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>Cancel</Button>
          <Button type="submit" loading={fetching}>Raise</Button>
        </Group>
      </Stack>
    </form>
  );
}
