/** Something could not be done: what, why, and a way to try again. */
import { Alert, Button, Stack, Text } from '@mantine/core';

interface Props {
  title: string;
  message: string;
  onRetry?: () => void;
}

export function Failure({ title, message, onRetry }: Props) {
  return (
    <Alert color="red" variant="light" title={title} role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{message}</Text>
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
