/** What a budget counts and what it does at its limit, as text to read and to write. */
import type { BudgetFilterInput } from '../../gql/graphql';
import type { Budget } from './calendar';

export const ENFORCEMENTS: { value: Budget['enforcement']; label: string }[] = [
  { value: 'HARD', label: 'Refuse' },
  { value: 'SOFT', label: 'Serve, and tell' },
];

/** `one, two` */
export function listed(texts: readonly (string | number)[]): string {
  return texts.join(', ');
}

/** The texts between commas. */
export function readList(text: string): string[] {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '');
}

/** `key=value`; empty where there is none. */
export function tagText(filter: Budget['filter']): string {
  return filter?.tag ? `${filter.tag.key}=${filter.tag.value}` : '';
}

/** What the form's four texts narrow a budget to. */
export function readFilter(text: (name: string) => string): BudgetFilterInput {
  const tag = text('tag');
  const equals = tag.indexOf('=');
  return {
    models: readList(text('models')),
    providers: readList(text('providers')),
    dataClasses: readList(text('dataClasses')),
    tag: tag === '' ? null : {
      key: (equals < 0 ? tag : tag.slice(0, equals)).trim(),
      value: equals < 0 ? '' : tag.slice(equals + 1).trim(),
    },
  };
}

/** `models openai/gpt-5, tag project=atlas`; null where every request counts. */
export function describeFilter(filter: Budget['filter']): string | null {
  if (!filter) return null;
  const parts = [
    ['models', listed(filter.models)],
    ['providers', listed(filter.providers)],
    ['data classes', listed(filter.dataClasses)],
    ['tag', tagText(filter)],
  ] as const;
  return parts.filter(([, text]) => text !== '').map(([name, text]) => `${name} ${text}`).join('; ');
}
