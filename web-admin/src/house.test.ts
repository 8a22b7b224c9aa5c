/** The rules of the house that a compiler does not know. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = import.meta.dirname;
const FILES = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !path.startsWith('gql/'))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

/** What each part may import of the others; tests may import everything. */
const MAY_IMPORT: Record<string, RegExp> = {
  lib: /^lib\//,
  ui: /^(ui|lib)\//,
  features: /^(ui|lib|gql|features)(\/|$)/,
  routes: /^(ui|lib|features|routes|app)(\/|$)/,
};

function imports({ path, text }: { path: string; text: string }): string[] {
  return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, to = '']) => join(path, '..', to));
}

const isTest = (path: string): boolean => path.includes('.test.') || path.startsWith('testing/');

test('imports go down: routes, features, ui, lib', () => {
  const wrong = FILES.filter(({ path }) => !isTest(path)).flatMap((file) => {
    const allowed = MAY_IMPORT[file.path.split('/')[0] ?? ''];
    return imports(file).filter((to) => allowed && !allowed.test(to)).map((to) => `${file.path} imports ${to}`);
  });
  expect(wrong).toEqual([]);
});

test('features do not import each other', () => {
  const feature = (path: string): string | undefined => /^features\/([^/]+)\//.exec(path)?.[1];
  const wrong = FILES.filter(({ path }) => feature(path) && !isTest(path)).flatMap((file) =>
    imports(file).filter((to) => feature(to) && feature(to) !== feature(file.path)).map((to) => `${file.path} imports ${to}`),
  );
  expect(wrong).toEqual([]);
});

test('files are short, named in kebab-case, and export by name', () => {
  for (const { path, text } of FILES) {
    expect.soft(path).toMatch(/^[a-z0-9-/]+(\.(test|module))?\.tsx?$/);
    expect.soft(text.split('\n').length, path).toBeLessThanOrEqual(250);
    expect.soft(text, path).not.toMatch(/^export (default|\*)/m);
  }
});

test('money never becomes a number', () => {
  for (const { path, text } of FILES.filter((file) => !isTest(file.path))) {
    expect.soft(text, path).not.toMatch(/(Number|parseFloat)\([^)]*(usd|cost|total|streamed|suspense|reserved)/i);
  }
});
