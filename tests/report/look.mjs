// SPDX-License-Identifier: MIT
// look.mjs CHARTS PAGE...: each page as a person meets it, in light and dark, on a desk and on a phone. Nothing on the
// console, nothing refused by the policy, no request to anywhere, nothing for axe to find, no page wider than its screen.
// On the first page the cursor, the zoom and the slider are moved by keyboard, the events filtered, and a dark page printed.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [charts, ...pages] = process.argv.slice(2);
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: sandbox });
let found = 0;

function check(holds, what) {
  if (!holds) {
    console.log("FAILED: " + what);
    found += 1;
  }
}

async function open(file, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", message => check(false, `${file}: on the console: ${message.text()}`));
  page.on("pageerror", error => check(false, `${file}: ${error}`));
  page.on("request", request => check(request.url() === "file://" + file, `${file} asked for ${request.url()}`));
  await page.goto("file://" + file);
  return page;
}

async function accessible(file, colorScheme) {
  const page = await open(file, { colorScheme, bypassCSP: true }); // axe is a script that the policy does not know
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run());
  for (const v of result.violations) {
    check(false, `${file}, ${colorScheme}: ${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`);
  }
  await page.context().close();
}

async function fits(file) {
  const page = await open(file, { viewport: { width: 390, height: 800 } });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check(wide <= 390, `${file} is ${wide} px wide on a phone of 390`);
  check(await page.evaluate(() => document.documentElement.dataset.cspViolations) === "0", `${file}: refused by the policy`);
  await page.context().close();
}

// Until its second frame stands on the screen. Printed, not judged: it depends on the machine.
async function drawn(file) {
  const page = await open(file, {});
  const ms = await page.evaluate(() => new Promise(done =>
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))));
  console.log(`${file}: drawn after ${Math.round(ms)} ms`);
  await page.context().close();
}

async function complete(file) {
  const page = await open(file, { javaScriptEnabled: false });
  check(await page.locator("h1").count() === 1, `${file} has no heading without scripts`);
  check(await page.locator("canvas, button").count() === 0, `${file} has controls that do nothing without scripts`);
  await page.context().close();
}

async function works(file) {
  const page = await open(file, {});
  const chart = page.locator(".chart").first(), time = chart.locator(".cursor-time");
  check(await page.locator("html").getAttribute("data-charts") === charts, "not all charts were drawn");
  const region = page.locator(".player rect[data-e='r0']"), slider = page.locator(".player input");
  const during = await region.getAttribute("class");
  await slider.focus();
  await page.keyboard.press("End");
  check(during.includes("w-down"), "the picture does not begin while the region is down");
  check(!(await region.getAttribute("class")).includes("w-down"), "the slider does not move the picture");

  await chart.focus();
  await page.keyboard.press("ArrowRight");
  check(await time.isVisible(), "the arrow keys move no cursor");
  check(await page.locator(".cursor.on").count() >= 3, "the cursor is not in all charts");
  await page.keyboard.press("Escape");
  check(!(await time.isVisible()), "Escape leaves the cursor");

  await page.locator("#event-list summary").click();
  const rows = page.locator("#event-list tbody tr:visible"), all = await rows.count();
  await page.locator("#event-list select").selectOption("fault.apply");
  check(await rows.count() >= 1 && await rows.count() < all, "the events are not filtered");

  await prints(page);
  await page.context().close();
}

// Paper is white, whatever the screen is.
async function prints(page) {
  const ink = () => page.evaluate(() => Number(getComputedStyle(document.body).color.match(/\d+/)[0]));
  await page.locator("button.theme").click();
  check(await page.locator("html").getAttribute("data-theme") === "dark" && await ink() > 128, "the colours cannot be switched");
  await page.emulateMedia({ media: "print" });
  check(await ink() < 128, "a dark page prints in light ink");
  check((await page.pdf({ format: "A4" })).length > 10000, "a dark page does not print");
}

// + and - on a dense chart that has the focus, where there is one.
async function zooms(file) {
  const page = await open(file, {});
  const chart = page.locator(".has-live").first(), whole = chart.locator(".whole");
  await chart.focus();
  await page.keyboard.press("+");
  check(await whole.isVisible(), "+ does not zoom");
  await page.keyboard.press("-");
  check(!(await whole.isVisible()), "- does not go back");
  await page.keyboard.press("+");
  await page.keyboard.press("0");
  check(!(await whole.isVisible()), "0 does not show the whole run");
  await page.context().close();
}

// Who wants less motion steps.
async function steps(file) {
  const page = await open(file, { reducedMotion: "reduce" });
  const play = page.locator(".player button"), slider = page.locator(".player input");
  const before = Number(await slider.inputValue());
  await play.click();
  const after = Number(await slider.inputValue());
  await page.waitForTimeout(200);
  check(await play.textContent() === "Step" && after > before, "Step does not step");
  check(Number(await slider.inputValue()) === after, "the picture moves by itself where motion is not wanted");
  await page.context().close();
}

for (const file of pages) {
  await accessible(file, "light");
  await fits(file);
  await drawn(file);
}
for (const file of [pages[0], pages[pages.length - 1]]) { // the page of a run, that of a suite
  await accessible(file, "dark");
  await complete(file);
}
await works(pages[0]);
await steps(pages[0]);
if (charts !== "0") {
  await zooms(pages[0]);
}
await browser.close();
process.exit(found ? 1 : 0);
