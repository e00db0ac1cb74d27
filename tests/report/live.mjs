// SPDX-License-Identifier: MIT
// live.mjs URL FAULTED: the page of a running drill as people meet it, over HTTP, while a fault named FAULTED comes and goes: in
// light and dark, on a desk and on a phone. Nothing on the console, nothing refused by the policy, no request elsewhere, nothing
// for axe to find, no wider than its screen; a page that is opened again has the whole course, and each becomes the report.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, faulted] = process.argv.slice(2);
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: sandbox });
const BOUND = { timeout: 120000 };
let found = 0;

function check(holds, what) {
  if (!holds) {
    console.log("FAILED: " + what);
    found += 1;
  }
}

async function open(name, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", message => check(false, `${name}: on the console: ${message.text()}`));
  page.on("pageerror", error => check(false, `${name}: ${error}`));
  page.on("request", request => check(request.url().startsWith(url), `${name} asked for ${request.url()}`));
  await page.goto(url);
  return page;
}

async function accessible(name, page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run());
  for (const v of result.violations) {
    check(false, `${name}: ${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`);
  }
}

const rows = (page, body) => page.locator(`#${body} tr`).count();
const refused = page => page.evaluate(() => document.documentElement.dataset.cspViolations);

const desk = await open("desk", {}), phone = await open("phone", { viewport: { width: 390, height: 800 } });
const light = await open("light", { colorScheme: "light", bypassCSP: true }); // axe is a script that the policy does not know
const dark = await open("dark", { colorScheme: "dark", bypassCSP: true });

// Before anything has happened: what is promised, and that nothing of it is known yet.
await desk.waitForFunction(() => document.querySelectorAll("#cards .card").length > 0, null, BOUND);
const card = await desk.locator("#cards .card").first().innerText();
check(/RTO/.test(card) && /at most 5 s/.test(card) && /measured when the run is over/.test(card), "the first card says " + card);

// While the fault is in force: the hero, the bands, the lanes.
await desk.waitForFunction(words => document.getElementById("story").textContent.startsWith(words), faulted, BOUND);
check(await desk.locator("#open").innerText() === "1", "the open fault is not counted");
await desk.waitForFunction(() => document.querySelector("#lanes-chart rect.f-bad"), null, BOUND);
for (const chart of ["lanes-chart", "traffic-chart", "latency-chart"]) {
  check(await desk.locator(`#${chart} rect.f-fault`).count() > 0, `${chart} has no band of the fault`);
}
await desk.locator("#lanes-table summary").focus();
await desk.keyboard.press("Enter");
for (const words of ["us-east\tdown", "us-east/1\tdown", "eu-west\tup", "us-east\tleads", "clients-us-east\t", "went to eu-west/1"]) {
  await desk.waitForFunction(w => document.querySelector("#lanes-table table").innerText.includes(w), words, BOUND)
    .catch(() => check(false, "the lanes as a table lack " + words)); // it is filled after it was unfolded
}
check(await desk.locator("#lanes-chart circle.f-ink").count() > 0, "no dot where clients changed their endpoint");
check(await rows(desk, "traffic-rows") > 2 && await rows(desk, "latency-rows") > 2, "the tables have no seconds");
await accessible("light", light);
await accessible("dark", dark);
await light.context().close();
await dark.context().close();
check(await phone.evaluate(() => document.documentElement.scrollWidth) <= 390, "wider than a phone");

// Opened again: the whole course, the colours switched by keyboard, and each chart can be reached and scrolled.
const before = await rows(desk, "traffic-rows");
await desk.reload();
await desk.waitForFunction(least => document.querySelectorAll("#traffic-rows tr").length >= least, before, BOUND);
check((await desk.locator("#event-rows").innerText()).includes("breaking"), "a page that is opened again has forgotten the fault");
await desk.locator("button.theme").focus();
await desk.keyboard.press("Enter");
check(await desk.locator("html").getAttribute("data-theme") === "dark", "the colours cannot be switched");
check(await desk.locator(".scroll:not([tabindex='0'])").count() === 0, "something that scrolls cannot be reached by keyboard");
for (const [name, page] of [["desk", desk], ["phone", phone]]) {
  check(await refused(page) === "0", `${name}: refused by the policy`);
}

// All of them become the report.
for (const [name, page] of [["desk", desk], ["phone", phone]]) {
  await page.waitForURL(url + "report.html", BOUND);
  check(await page.locator("#verdict").count() === 1, `${name} did not become the report`);
}
await browser.close();
process.exit(found ? 1 : 0);
