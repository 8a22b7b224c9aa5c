/** Every other path. */
import { Anchor, Center, Stack, Text, Title } from '@mantine/core';
import { Link, type RouteObject } from 'react-router';

export function notFoundRoute(): RouteObject {
  return { path: '*', Component: NotFound };
}

function NotFound() {
  return (
    <Center mih="60dvh" p="md">
      <Stack align="center" gap="xs">
        <Title order={1} size="h3">There is no such page</Title>
        <Text c="dimmed">The address may be mistyped, or the page has moved.</Text>
        <Anchor component={Link} to="/">To the start page</Anchor>
      </Stack>
    </Center>
  );
}
