/**
 * What a person of finance does with the web admin, in a real browser against a running Weir. The journeys of somebody
 * who is signed in share one page: signing in anew for each would run into the limit on log-ins.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pico, readCsv } from './csv';
import { makeTraffic, weir } from './weir';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };

let browser: Browser;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  await makeTraffic();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
});

afterAll(() => browser?.close());

afterEach(() => {
  expect(problems.splice(0)).toEqual([]);
});

async function openPage(): Promise<void> {
  const context = await browser.newContext({ baseURL: weir.admin_url, viewport: WIDE });
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // A refused request is told to the console as well; whether the page deals with it is what the journeys are for.
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) problems.push(message.text());
  });
}

async function signIn(password: string): Promise<void> {
  await page.goto('/');
  await page.getByLabel('E-mail').fill(weir.email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function screenshot(name: string): Promise<void> {
  await page.screenshot({ path: join(import.meta.dirname, '.artifacts', `${name}.png`), fullPage: true });
}

/** How far the page can be scrolled sideways, in pixels. */
function overflow(): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

describe('somebody who is not signed in', () => {
  beforeAll(openPage);
  afterAll(() => page.context().close());

  test('is refused with a wrong password, in plain words', async () => {
    await signIn('not the password');
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/password is wrong/);
    await screenshot('login');
    await page.setViewportSize(NARROW);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await screenshot('login-narrow');
  });
});

describe('somebody who is signed in', () => {
  beforeAll(async () => {
    await openPage();
    await signIn(weir.password);
    await page.getByRole('table', { name: 'Calls cut short' }).waitFor();
  });
  afterAll(() => page.context().close());

  const costs = () => page.getByRole('table', { name: /^Lines/ }).locator('tr > td:last-child').allTextContents();

  test('sees a total that is the sum of the downloaded file, to the pico-dollar', async () => {
    const shown = await page.getByRole('status', { name: 'Total' }).textContent();
    const arriving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download CSV' }).click();
    const download = await arriving;
    expect(download.suggestedFilename()).toMatch(/^chargeback-\d{4}-\d{2}\.csv$/);
    const rows = readCsv(await readFile(await download.path(), 'utf8'));
    const written = rows.map((row) => pico(row.cost_usd ?? ''));
    const sum = written.reduce((a, b) => a + b, 0n);
    expect(sum).toBeGreaterThan(0n);
    expect(pico(shown ?? '')).toBe(sum);
    expect((await costs()).map(pico).sort()).toEqual(written.sort());
  });

  test('finds the call that was left early, charged within its bounds', async () => {
    const rows = page.getByRole('table', { name: 'Calls cut short' }).locator('tbody tr');
    expect(await rows.count()).toBeGreaterThan(0);
    for (const row of await rows.all()) {
      const amounts = (await row.locator('td').allTextContents()).slice(-4).map(pico);
      const [seen = 0n, reserved = 0n, , charged = 0n] = amounts;
      expect(amounts).toHaveLength(4);
      expect(seen <= charged && charged <= reserved).toBe(true);
    }
  });

  test('sees the same lines by team, key and model, and the address keeps which', async () => {
    const byTeam = (await costs()).sort();
    for (const grouping of ['Key', 'Model', 'Team']) {
      await page.getByRole('radiogroup').getByText(grouping, { exact: true }).click();
      await page.getByRole('table', { name: `Lines by ${grouping.toLowerCase()}` }).waitFor();
      expect((await costs()).sort()).toEqual(byTeam);
      expect(page.url()).toContain(`by=${grouping.toLowerCase()}`);
    }
  });

  test('sees that a month without usage has none', async () => {
    await page.getByLabel('Period').selectOption({ index: 23 });
    await page.getByText(/^No usage in/).waitFor();
    await page.getByLabel('Period').selectOption({ index: 0 });
    await page.getByRole('table', { name: 'Calls cut short' }).waitFor();
  });

  test('sees the pages fit a wide and a narrow screen, light and dark', async () => {
    for (const [width, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await screenshot(`chargeback-${width}-${colorScheme}`);
      }
      expect(await overflow()).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize(WIDE);
  });

  test('makes a budget for a day in another time zone, and sees when that day ends there', async () => {
    await page.getByRole('link', { name: 'Budgets' }).click();
    await page.getByRole('button', { name: 'New budget' }).click();
    await page.getByLabel('Name').fill('Kolkata, by day');
    await page.getByRole('textbox', { name: 'Limit' }).fill('1000000');
    await page.getByLabel('Starts afresh').selectOption('DAY');
    await page.getByLabel('Time zone').fill('Asia/Atlantis');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/no time zone "Asia\/Atlantis"/).waitFor();
    await page.getByLabel('Time zone').fill('Asia/Kolkata');
    await page.getByRole('button', { name: 'Save' }).click();
    const row = page.getByRole('row', { name: /Kolkata, by day/ });
    await row.getByText(/00:00 in Asia\/Kolkata/).waitFor();
    await page.setViewportSize(NARROW);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await screenshot('budgets-narrow');
    await page.setViewportSize(WIDE);
    await screenshot('budgets-wide');
    await page.getByRole('link', { name: 'Chargeback' }).click();
    await page.getByRole('status', { name: 'Total' }).waitFor();
  });

  test('stays so over a reload, and is not any more after signing out', async () => {
    const report = page.url();
    await page.reload();
    await page.getByRole('status', { name: 'Total' }).waitFor();
    await page.getByRole('button', { name: /^Signed in/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Weir' }).waitFor();
    await page.goto(report);
    await page.getByRole('heading', { name: 'Sign in to Weir' }).waitFor();
  });
});
