/** The page is not there yet. */
import { Center, Loader } from '@mantine/core';

export function Loading() {
  return (
    <Center mih="100dvh">
      <Loader aria-label="Loading" />
    </Center>
  );
}
