/** A new target of notices; a webhook's secret is shown once, and cannot be read again. */
import { Button, Code, CopyButton, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';
import { useMutation } from 'urql';
import type { NoticeTargetKind } from '../../gql/graphql';
import { describe } from '../../lib/graphql-client';
import type { Id } from '../../lib/scalars';
import { Failure } from '../../ui/failure';
import { CreateNoticeTargetMutation } from './queries';

interface Props {
  organizationId: Id;
  onDone: () => void;
}

const KINDS: { value: NoticeTargetKind; label: string }[] = [
  { value: 'WEBHOOK', label: 'Webhook' },
  { value: 'EMAIL', label: 'E-mail' },
];

export function TargetForm({ organizationId, onDone }: Props) {
  const [{ error, fetching, data }, create] = useMutation(CreateNoticeTargetMutation);
  const [kind, setKind] = useState<NoticeTargetKind>('WEBHOOK');

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => String(fields.get(name) ?? '').trim();
    const made = await create({ input: { organizationId, kind, name: text('name'), destination: text('destination') } });
    if (made.data && made.data.createNoticeTarget.secret === null) onDone();
  }

  const secret = data?.createNoticeTarget.secret;
  if (secret) return <Secret secret={secret} onDone={onDone} />;
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput name="name" label="Name" required />
        <NativeSelect
          label="By"
          data={KINDS}
          value={kind}
          onChange={({ currentTarget: { value } }) => setKind(value === 'EMAIL' ? 'EMAIL' : 'WEBHOOK')}
        />
        <TextInput
          name="destination"
          label={kind === 'EMAIL' ? 'Address' : 'URL'}
          description={kind === 'EMAIL' ? undefined : 'Public, and begins with https://'}
          inputMode={kind === 'EMAIL' ? 'email' : 'url'}
          required
        />
        {error && <Failure title="The target could not be added" message={describe(error)} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>Cancel</Button>
          <Button type="submit" loading={fetching}>Add</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Secret({ secret, onDone }: { secret: string; onDone: () => void }) {
  return (
    <Stack>
      <Text size="sm">The receiver verifies what it gets with this secret. It is shown this once.</Text>
      <Code block aria-label="Secret">{secret}</Code>
      <Group justify="flex-end">
        <CopyButton value={secret}>
          {({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? 'Copied' : 'Copy'}</Button>}
        </CopyButton>
        <Button onClick={onDone}>Done</Button>
      </Group>
    </Stack>
  );
}
