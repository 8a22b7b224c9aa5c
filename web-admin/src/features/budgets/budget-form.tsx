/** What a budget is made of: a new one, or one that shall be another. */
import { Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';
import { useMutation } from 'urql';
import type { BudgetWindow } from '../../gql/graphql';
import { describe } from '../../lib/graphql-client';
import type { Id, Usd } from '../../lib/scalars';
import { Failure } from '../../ui/failure';
import { type Budget, isFiscal, isWindow, MONTHS, timeZones, WINDOWS } from './calendar';
import { CreateBudgetMutation, UpdateBudgetMutation } from './queries';
import { readScope, ScopeField } from './scope-field';
import { readFilter, readList } from './terms';
import { TermsFields } from './terms-fields';

interface Props {
  organizationId: Id;
  /** Null for a new one. */
  budget: Budget | null;
  onDone: () => void;
}

const ZONES = 'budget-time-zones';

export function BudgetForm({ organizationId, budget, onDone }: Props) {
  const [created, create] = useMutation(CreateBudgetMutation);
  const [updated, update] = useMutation(UpdateBudgetMutation);
  const [window, setWindow] = useState<BudgetWindow>(budget?.window ?? 'MONTH');
  const error = created.error ?? updated.error;

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => String(fields.get(name) ?? '').trim();
    const input = {
      organizationId,
      name: text('name'),
      limit: text('limit') as Usd,
      window,
      timeZone: text('timeZone') || (budget?.timeZone ?? 'UTC'),
      fiscalStartMonth: Number(text('fiscalStartMonth') || (budget?.fiscalStartMonth ?? 1)),
      enforcement: text('enforcement') as Budget['enforcement'],
      thresholds: readList(text('thresholds')).map(Number),
      filter: readFilter(text),
    };
    const { error: refused } = budget
      ? await update({ input: { ...input, id: budget.id } })
      : await create({ input: { ...input, ...readScope(text('scope')) } });
    if (!refused) onDone();
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput name="name" label="Name" description="What a refusal calls it" defaultValue={budget?.name ?? ''} required />
        {!budget && <ScopeField organizationId={organizationId} />}
        <TextInput
          name="limit"
          label="Limit"
          description="US dollars in one window"
          inputMode="decimal"
          defaultValue={budget?.limit ?? ''}
          required
        />
        <NativeSelect
          label="Starts afresh"
          data={WINDOWS}
          value={window}
          onChange={({ currentTarget: { value } }) => isWindow(value) && setWindow(value)}
        />
        {isFiscal(window) && (
          <NativeSelect
            name="fiscalStartMonth"
            label="Years begin in"
            data={MONTHS}
            defaultValue={String(budget?.fiscalStartMonth ?? 1)}
          />
        )}
        {window !== 'LIFETIME' && <ZoneField zone={budget?.timeZone ?? 'UTC'} />}
        <TermsFields budget={budget} />
        <Text size="sm" c="dimmed">
          {budget
            ? 'What changes in it counts what was spent since its window began.'
            : 'It counts what was spent since its present window began.'}
        </Text>
        {error && <Failure title="The budget could not be saved" message={describe(error)} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>Cancel</Button>
          <Button type="submit" loading={created.fetching || updated.fetching}>Save</Button>
        </Group>
      </Stack>
    </form>
  );
}

function ZoneField({ zone }: { zone: string }) {
  return (
    <>
      <TextInput
        name="timeZone"
        label="Time zone"
        description="Whose midnight counts, such as Europe/Berlin"
        list={ZONES}
        defaultValue={zone}
        required
      />
      <datalist id={ZONES}>
        {timeZones().map((name) => <option key={name} value={name} />)}
      </datalist>
    </>
  );
}
