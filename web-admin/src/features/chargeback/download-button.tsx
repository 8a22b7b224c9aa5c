/** Downloads a report; says so when that fails. */
import { Button, type ButtonProps, Stack, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { download } from '../../lib/download';
import { useSession } from '../../lib/session-context';
import { DownloadIcon } from '../../ui/icons';

interface Props extends Pick<ButtonProps, 'size'> {
  url: string;
  children: ReactNode;
}

export function DownloadButton({ url, size = 'sm', children }: Props) {
  const session = useSession();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  async function save(): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      await download(session, url);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'The download failed.');
    } finally {
      setBusy(false);
    }
  }

  return (
    <Stack gap={4} align="flex-start">
      <Button variant="default" size={size} leftSection={<DownloadIcon />} loading={isBusy} onClick={() => void save()}>
        {children}
      </Button>
      {problem && <Text size="xs" c="red" role="alert">{problem}</Text>}
    </Stack>
  );
}
