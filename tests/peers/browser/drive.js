// Opens pages in a browser without a window.
//
//     node drive.js CHROMIUM PAGE FOREIGN REFUSING ADMITTING
//
// PAGE runs its own checks. FOREIGN is the same page at another origin, which visits two services:
// one must refuse it, and one must not.
'use strict';

const { chromium } = require('playwright-core');
const { check, equal, run } = require('checks');

const [executablePath, page, foreign, refusing, admitting] = process.argv.slice(2);

const main = async () => {
  const args = ['--no-sandbox', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--no-first-run'];
  const browser = await chromium.launch({ executablePath, headless: true, args });
  const open = async (url) => {
    const tab = await browser.newPage();
    await tab.goto(url);
    return tab;
  };
  const results = await (await open(page)).evaluate(() => window.run());
  for (const [name, wrong] of Object.entries(results)) check(name, () => equal(wrong, null));
  const stranger = await open(foreign);
  const visit = (origin) => stranger.evaluate((origin) => window.visit(origin), origin);
  check('a foreign page is refused', async () =>
    equal(await visit(refusing), { fetch: 'refused', socket: 'refused' }));
  check('a page that is admitted is not', async () =>
    equal(await visit(admitting), { fetch: 'admitted', socket: 'admitted' }));
  await run();
  await browser.close();
};

main().catch((error) => {
  console.log(`FAILED ${error}`);
  process.exit(1);
});
