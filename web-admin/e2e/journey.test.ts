/** What a person of finance does with the web admin, in a real browser against a running Weir. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { pico, readCsv } from './csv';
import { makeTraffic, weir } from './weir';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };

let browser: Browser;
let context: BrowserContext;
let page: Page;
let problems: string[];
let eventsMade: number;

beforeAll(async () => {
  eventsMade = await makeTraffic();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
});

afterAll(() => browser.close());

beforeEach(async () => {
  context = await browser.newContext({ baseURL: weir.admin_url, viewport: WIDE });
  page = await context.newPage();
  problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // A refused request is told to the console as well; whether the page deals with it is what the journeys are for.
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) problems.push(message.text());
  });
});

afterEach(async () => {
  await context.close();
  expect(problems).toEqual([]);
});

async function signIn(password = weir.password): Promise<void> {
  await page.goto('/');
  await page.getByLabel('E-mail').fill(weir.email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens this month's report when the usage events of our own calls have arrived. */
async function seeMonth(): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    await page.getByText(/usage event|No usage in/).waitFor();
    const text = await page.getByRole('main').textContent();
    const arrived = /([\d,]+) usage event/.exec(text ?? '')?.[1];
    if (Number(arrived?.replaceAll(',', '') ?? 0) >= eventsMade) return;
    if (Date.now() > deadline) throw new Error(`the usage events of ${eventsMade} calls did not arrive; seen: ${text}`);
    await page.reload();
  }
}

async function screenshot(name: string): Promise<void> {
  await page.screenshot({ path: join(import.meta.dirname, '.artifacts', `${name}.png`), fullPage: true });
}

test('a wrong password is refused in plain words', async () => {
  await signIn('not the password');
  await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/password is wrong/);
  await screenshot('login-refused');
});

test('the total on the page is the sum of the downloaded file, to the pico-dollar', async () => {
  await signIn();
  await page.getByRole('heading', { name: 'Chargeback' }).waitFor();
  await seeMonth();
  const shown = await page.getByRole('status', { name: 'Total' }).textContent();
  const arriving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download CSV' }).click();
  const download = await arriving;
  expect(download.suggestedFilename()).toMatch(/^chargeback-\d{4}-\d{2}\.csv$/);
  const rows = readCsv(await readFile(await download.path(), 'utf8'));
  const sum = rows.map((row) => pico(row.cost_usd ?? '')).reduce((a, b) => a + b, 0n);
  expect(sum).toBeGreaterThan(0n);
  expect(pico(shown ?? '')).toBe(sum);
});

test('a call that the app left is listed with what it is charged, within its bounds', async () => {
  await signIn();
  await page.getByRole('heading', { name: 'Chargeback' }).waitFor();
  await seeMonth();
  const calls = page.getByRole('table', { name: 'Calls cut short' });
  const [seen = 0n, reserved = 0n, , charged = 0n] = (
    await calls.locator('tbody tr').first().locator('td').allTextContents()
  ).slice(-4).map(pico);
  expect(seen <= charged && charged <= reserved).toBe(true);
});

test('grouping by key or model shows the same lines, and the address keeps it', async () => {
  await signIn();
  await page.getByRole('heading', { name: 'Chargeback' }).waitFor();
  await seeMonth();
  const costs = () => page.getByRole('table', { name: /^Lines/ }).locator('tr > td:last-child').allTextContents();
  const byTeam = (await costs()).sort();
  for (const grouping of ['Key', 'Model']) {
    await page.getByText(grouping, { exact: true }).first().click();
    await page.getByRole('table', { name: `Lines by ${grouping.toLowerCase()}` }).waitFor();
    expect((await costs()).sort()).toEqual(byTeam);
  }
  expect(page.url()).toContain('by=model');
});

test('a reload keeps somebody signed in, and signing out does not', async () => {
  await signIn();
  await page.getByRole('heading', { name: 'Chargeback' }).waitFor();
  const report = page.url();
  await page.reload();
  await page.getByRole('heading', { name: 'Chargeback' }).waitFor();
  await page.getByRole('button', { name: /^Signed in/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Weir' }).waitFor();
  await page.goto(report);
  await page.getByRole('heading', { name: 'Sign in to Weir' }).waitFor();
});

test('the pages fit a wide and a narrow screen, light and dark', async () => {
  await page.goto('/login');
  await page.getByRole('heading', { name: 'Sign in to Weir' }).waitFor();
  await screenshot('login-wide');
  await signIn();
  await page.getByRole('heading', { name: 'Chargeback' }).waitFor();
  await seeMonth();
  await page.getByRole('table', { name: 'Calls cut short' }).waitFor();
  await screenshot('chargeback-wide');
  await page.emulateMedia({ colorScheme: 'dark' });
  await screenshot('chargeback-dark');
  await page.setViewportSize(NARROW);
  await screenshot('chargeback-narrow-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await screenshot('chargeback-narrow');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});
