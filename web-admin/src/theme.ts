/** How the web admin looks: Mantine with one colour of our own, calm, made for tables of numbers. */
import { createTheme, type MantineColorsTuple } from '@mantine/core';

const river: MantineColorsTuple = [
  '#e9f7f9', '#d8eaee', '#afd4dc', '#83bdc9', '#5faab9', '#489eaf', '#3a98ab', '#298496', '#1b7687', '#006676',
];

export const theme = createTheme({
  primaryColor: 'river',
  primaryShade: { light: 9, dark: 5 },
  colors: { river },
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '600' },
});
