/** Signing in with e-mail address and password. */
import { Alert, Button, Group, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';
import { useSession } from '../../lib/session-context';
import { WaterIcon } from '../../ui/icons';

export function LoginForm({ onSignedIn }: { onSignedIn: () => void }) {
  const session = useSession();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    const result = await session.signIn(String(fields.get('email')), String(fields.get('password')));
    setBusy(false);
    if (result.ok) onSignedIn();
    else setProblem(result.message);
  }

  return (
    <Paper withBorder shadow="sm" p="xl" w="100%" maw={380}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          <Group gap="xs" c="var(--mantine-primary-color-filled)">
            <WaterIcon size={28} />
            <Title order={1} size="h3" c="var(--mantine-color-text)">
              Sign in to Weir
            </Title>
          </Group>
          <TextInput name="email" type="email" label="E-mail" autoComplete="username" required withAsterisk={false} autoFocus />
          <PasswordInput name="password" label="Password" autoComplete="current-password" required withAsterisk={false} />
          {problem && (
            <Alert color="red" variant="light" role="alert" p="sm">
              {problem}
            </Alert>
          )}
          <Button type="submit" loading={isBusy} fullWidth>
            Sign in
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
