// Types for every graphql(`…`) document in src, from the control plane's schema, into src/gql.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import { parse } from 'graphql';

const schema = parse(await readFile('../crates/controlplane/schema.graphql', 'utf8'));
const sources = (await readdir('src', { recursive: true }))
  .filter((path) => /\.tsx?$/.test(path) && !path.startsWith('gql'))
  .sort();
const texts = await Promise.all(sources.map((path) => readFile(join('src', path), 'utf8')));
const documents = texts.flatMap((text, index) =>
  [...text.matchAll(/\bgraphql\(`([^`]*)`\)/g)].map(([, rawSDL]) => ({
    location: sources[index],
    document: parse(rawSDL),
    rawSDL,
  })),
);
const scalar = (name) => ({ input: `../lib/scalars#${name}`, output: `../lib/scalars#${name}` });
const config = {
  scalars: { ID: scalar('Id'), Usd: scalar('Usd'), DateTime: scalar('DateTime'), Count: scalar('Count') },
  strictScalars: true,
  enumsAsTypes: true,
  useTypeImports: true,
};
const presetConfig = { fragmentMasking: false };
const plan = { baseOutputDir: 'src/gql/', schema, documents, config, presetConfig, plugins: [], pluginMap: {} };
await mkdir('src/gql', { recursive: true });
for (const file of await preset.buildGeneratesSection(plan)) {
  await writeFile(file.filename, await codegen(file));
}
