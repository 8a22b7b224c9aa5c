/** Which month: a list of the last two years, and one step back or forth. */
import { ActionIcon, Group, NativeSelect } from '@mantine/core';
import { formatPeriod, isPeriod, type Period, periodAfter } from '../../lib/period';
import { NextIcon, PreviousIcon } from '../../ui/icons';

const MONTHS_LISTED = 24;

interface Props {
  period: Period;
  currentPeriod: Period;
  onPeriod: (period: Period) => void;
}

export function PeriodPicker({ period, currentPeriod, onPeriod }: Props) {
  const recent = Array.from({ length: MONTHS_LISTED }, (_, months) => periodAfter(currentPeriod, -months));
  const listed = recent.includes(period) ? recent : [period, ...recent].sort().reverse();
  return (
    <Group gap={6} wrap="nowrap">
      <ActionIcon variant="default" size={36} aria-label="Previous month" onClick={() => onPeriod(periodAfter(period, -1))}>
        <PreviousIcon />
      </ActionIcon>
      <NativeSelect
        aria-label="Period"
        value={period}
        onChange={({ currentTarget: { value } }) => isPeriod(value) && onPeriod(value)}
        data={listed.map((value) => ({ value, label: formatPeriod(value) }))}
      />
      <ActionIcon
        variant="default"
        size={36}
        aria-label="Next month"
        disabled={period >= currentPeriod}
        onClick={() => onPeriod(periodAfter(period, 1))}
      >
        <NextIcon />
      </ActionIcon>
    </Group>
  );
}
