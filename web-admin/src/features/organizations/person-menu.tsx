/** Who is signed in, and signing out. */
import { Avatar, Menu, Text, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useSession } from '../../lib/session-context';

interface Props {
  person: { name: string; email: string } | null;
}

export function PersonMenu({ person }: Props) {
  const session = useSession();
  const [problem, setProblem] = useState<string | null>(null);

  async function signOut(): Promise<void> {
    setProblem(null);
    await session.signOut().catch(() => setProblem('Signing out failed. Check the connection and try again.'));
  }

  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton aria-label={person ? `Signed in as ${person.name}` : 'Signed in'}>
          <Avatar name={person?.name ?? ''} color="river" radius="xl" size={34} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {person && (
          <Menu.Label>
            <Text size="sm" fw={500} c="var(--mantine-color-text)" truncate>{person.name}</Text>
            <Text size="xs" truncate>{person.email}</Text>
          </Menu.Label>
        )}
        <Menu.Item closeMenuOnClick={false} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
        {problem && <Menu.Label><Text size="xs" c="red" role="alert">{problem}</Text></Menu.Label>}
      </Menu.Dropdown>
    </Menu>
  );
}
