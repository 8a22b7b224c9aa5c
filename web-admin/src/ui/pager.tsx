/** One step back or forth in a list that comes a page at a time. */
import { Button, Group } from '@mantine/core';

interface Props {
  isBusy: boolean;
  hasPrevious: boolean;
  next: string | null;
  onPrevious: () => void;
  onNext: (cursor: string) => void;
}

export function Pager({ isBusy, hasPrevious, next, onPrevious, onNext }: Props) {
  if (!hasPrevious && next === null) return null;
  return (
    <Group justify="flex-end" mt="sm">
      <Button variant="default" size="xs" disabled={!hasPrevious} onClick={onPrevious}>
        Earlier
      </Button>
      <Button
        variant="default"
        size="xs"
        disabled={next === null}
        loading={isBusy}
        onClick={() => next && onNext(next)}
      >
        Later
      </Button>
    </Group>
  );
}
