/** The fields that say which requests a budget counts and what it does at its limit. */
import { NativeSelect, TextInput } from '@mantine/core';
import type { Budget } from './calendar';
import { ENFORCEMENTS, listed, tagText } from './terms';

/** Null for a new budget. */
export function TermsFields({ budget }: { budget: Budget | null }) {
  const filter = budget?.filter ?? null;
  return (
    <>
      <NativeSelect
        name="enforcement"
        label="At the limit"
        data={ENFORCEMENTS}
        defaultValue={budget?.enforcement ?? 'HARD'}
      />
      <TextInput
        name="thresholds"
        label="Thresholds"
        description="Percentages of the limit, such as 80, 100"
        defaultValue={listed(budget?.thresholds ?? [80, 100])}
      />
      <TextInput
        name="models"
        label="Only models"
        description="Such as openai/gpt-5-mini; empty for every one"
        defaultValue={listed(filter?.models ?? [])}
      />
      <TextInput name="providers" label="Only providers" defaultValue={listed(filter?.providers ?? [])} />
      <TextInput name="dataClasses" label="Only data classes" defaultValue={listed(filter?.dataClasses ?? [])} />
      <TextInput
        name="tag"
        label="Only the tag"
        description="Such as project=atlas, as apps send it in metadata"
        defaultValue={tagText(filter)}
      />
    </>
  );
}
