/** What is shown where a page could not be loaded or rendered. */
import { Center } from '@mantine/core';
import { useRouteError } from 'react-router';
import { Failure } from '../ui/failure';

export function RouteError() {
  const error = useRouteError();
  const message = error instanceof Error ? error.message : 'Something went wrong.';
  return (
    <Center component="main" mih="100dvh" p="md">
      <Failure title="This page could not be loaded" message={message} onRetry={() => window.location.reload()} />
    </Center>
  );
}
