/** The columns of quantities: input and output always, the others where something was used. */
import type { Line } from './grouping';

export interface QuantityColumn {
  label: string;
  of: (line: Line) => number;
}

const ALWAYS = new Set(['Requests', 'Input', 'Output']);

const ALL: QuantityColumn[] = [
  { label: 'Requests', of: (line) => line.requests },
  { label: 'Input', of: (line) => line.inputTokens },
  { label: 'Cached', of: (line) => line.cachedInputTokens },
  { label: 'Cache write 5m', of: (line) => line.cacheWrite5mTokens },
  { label: 'Cache write 1h', of: (line) => line.cacheWrite1hTokens },
  { label: 'Output', of: (line) => line.outputTokens },
  { label: 'Reasoning', of: (line) => line.reasoningTokens },
  { label: 'Audio in', of: (line) => line.audioInputTokens },
  { label: 'Audio out', of: (line) => line.audioOutputTokens },
  { label: 'Image in', of: (line) => line.imageInputUnits },
  { label: 'Image out', of: (line) => line.imageOutputUnits },
  { label: 'Charged requests', of: (line) => line.chargedRequests },
  { label: 'Tool calls', of: (line) => line.chargedToolCalls },
];

export function quantityColumns(lines: readonly Line[]): QuantityColumn[] {
  return ALL.filter(({ label, of }) => ALWAYS.has(label) || lines.some((line) => of(line) > 0));
}
