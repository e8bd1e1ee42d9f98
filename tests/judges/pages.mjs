// Opens HTML parts in Chromium: node pages.mjs < list of paths, one a line.
// Prints a JSON array: what axe finds in each colour scheme, and how wide the page
// is on narrow screens. The browser has no network: pages come from files and
// every request that leaves the machine is refused.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND',
];
const WIDTHS = [320, 600, 900];

// The other scheme has the same page in other colours: only these rules look at them.
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

async function findViolations(page, colorScheme) {
  const axe = new AxeBuilder({ page });
  const { violations } = await (colorScheme === 'light' ? axe : axe.withRules(OF_COLOURS)).analyze();
  return violations.map(({ id, impact, help, nodes }) => ({
    id,
    impact,
    help,
    where: nodes.slice(0, 3).map((node) => `${node.html} (${node.failureSummary})`),
  }));
}

async function look(browser, path) {
  const found = { path, schemes: {}, widths: {} };
  for (const colorScheme of ['light', 'dark']) {
    const viewport = { width: 600, height: 900 };
    const context = await browser.newContext({ colorScheme, viewport });
    const page = await context.newPage();
    await page.route('**', (route) =>
      (route.request().url().startsWith('file:') ? route.continue() : route.abort()));
    await page.goto(pathToFileURL(path).href);
    found.schemes[colorScheme] = await findViolations(page, colorScheme);
    for (const width of colorScheme === 'light' ? WIDTHS : []) {
      await page.setViewportSize({ width, height: 900 });
      found.widths[width] = await page.evaluate(() => document.documentElement.scrollWidth);
    }
    await context.close();
  }
  return found;
}

const paths = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
const found = [];
try {
  for (const path of paths) {
    found.push(await look(browser, path));
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(found));
