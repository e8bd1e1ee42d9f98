// Opens pages of a running site in Chromium: node web.mjs < list of addresses, one a line.
// Prints a JSON array: the status, what axe finds in each colour scheme, how wide the
// page is at each width, and what the console says (a blocked style, a missing file).
// With --visit it only opens each page, scripts on, as a link scanner does. With
// --pictures DIR it keeps what it sees. Nothing but 127.0.0.1 is reached.
import { readFileSync } from 'node:fs';

import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];
const WIDTHS = [320, 600, 1280];
// The other scheme has the same page in other colours: only these rules look at them.
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

const visit = process.argv.includes('--visit');
const pictures = process.argv.includes('--pictures')
  ? process.argv[process.argv.indexOf('--pictures') + 1] : null;

async function open(page, url, said) {
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  const response = await page.goto(url);
  return response.status();
}

async function look(browser, url, number) {
  const found = { path: url, schemes: {}, widths: {}, console: [] };
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    found.status = await open(page, url, found.console);
    // The page's own policy keeps scripts out; axe is put in by the debugger.
    // Where a frame may run nothing, axe would wait without end; letters have judges of their own.
    const axe = new AxeBuilder({ page }).exclude('iframe');
    const { violations } = await (colorScheme === 'light' ? axe : axe.withRules(OF_COLOURS))
      .analyze();
    found.schemes[colorScheme] = violations.map(({ id, help, nodes }) => ({
      id, help, where: nodes.slice(0, 3).map((node) => `${node.html} (${node.failureSummary})`),
    }));
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      found.widths[width] = await page.evaluate(() => document.documentElement.scrollWidth);
      if (pictures) {
        await page.screenshot({ path: `${pictures}/${number}-${colorScheme}-${width}.png`, fullPage: true });
      }
    }
    await context.close();
  }
  return found;
}

const urls = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
const found = [];
try {
  if (visit) {
    const context = await browser.newContext();
    const visitor = async () => {
      const page = await context.newPage();
      for (let url = urls.shift(); url; url = urls.shift()) {
        if (url.endsWith('.ics')) {
          // A browser keeps a calendar and shows nothing, which goto calls a failure.
          const kept = page.waitForEvent('download');
          await page.goto(url).catch(() => null);
          found.push({ path: url, status: await (await kept).failure() ? 0 : 200 });
          continue;
        }
        const response = await page.goto(url);
        found.push({ path: url, status: response.status() });
      }
    };
    await Promise.all([1, 2, 3, 4].map(visitor));
  } else {
    for (const [number, url] of urls.entries()) {
      found.push(await look(browser, url, number));
    }
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(found));
