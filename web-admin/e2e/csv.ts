/** Reads a downloaded report on its own: RFC 4180, and sums in whole pico-dollars. */

const PICO_DIGITS = 12;

/** The rows of a CSV file, by the names in its header. */
export function readCsv(text: string): Record<string, string>[] {
  const [header = [], ...rows] = cells(text);
  return rows.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ''])));
}

function cells(text: string): string[][] {
  const rows: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  let row: string[] = [];
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) throw new Error('not CSV as in RFC 4180');
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

/** US dollars as whole pico-dollars. Takes `$` and thousands separators. */
export function pico(usd: string): bigint {
  const match = /^(-?)\$?(\d[\d,]*)(?:\.(\d{1,12}))?$/.exec(usd);
  if (!match) throw new Error(`not an amount: ${usd}`);
  const [, sign = '', whole = '', decimals = ''] = match;
  return BigInt(`${sign}${whole.replaceAll(',', '')}${decimals.padEnd(PICO_DIGITS, '0')}`);
}
