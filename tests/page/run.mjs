// The link's page in Chromium: with scripts off everything works, and axe-core finds nothing, on a wide screen and at 400 % zoom.
// Started by the ignored test `authority::page::browser`, which has the real program before a register with made-up accesses.
//
//   node run.mjs ADDRESS        the address with the start token; pictures of the pages are left in PAGE_OUT
//
// Ends with "page: N passed, M failed".

import fs from "node:fs";
import path from "node:path";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const out = process.env.PAGE_OUT;
const start = process.argv[2];
const origin = new URL(start).origin;
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
  "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const WIDE = { width: 1280, height: 1024 };
// 1280 pixels at 400 %.
const ZOOMED = { width: 320, height: 256 };
const without = await browser.newContext({ javaScriptEnabled: false, viewport: WIDE });
const page = await without.newPage();

// Whoever checks has scripts, in a context of its own; the page's policy stays as it is.
let checked;
const picture = (of, name) => of.screenshot({ path: path.join(out, `${name}.png`), fullPage: true });

async function check(name, address, prepare = async () => {}) {
  checked ??= await browser.newContext();
  await checked.clearCookies();
  await checked.addCookies(await without.cookies());
  const own = await checked.newPage();
  const said = [];
  own.on("console", (line) => /policy/i.test(line.text()) && said.push(line.text()));
  for (const [size, viewport] of [["wide", WIDE], ["zoomed", ZOOMED]]) {
    await own.setViewportSize(viewport);
    await own.goto(`${origin}${address}`);
    await prepare(own);
    await own.evaluate(axe);
    const { violations, passes } = await own.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html}\n${node.failureSummary}`).join("\n")}`);
    await picture(own, `${name}-${size}`);
    assert.deepEqual(found, [], `${name}, ${size}`);
    assert.ok(passes.length > 10, "axe-core looked at the page");
    const wider = await own.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
    assert.ok(wider <= 0, `${name}, ${size}: ${wider} pixels have to be scrolled to`);
    assert.equal(await own.evaluate(() => document.scripts.length), 0);
  }
  assert.deepEqual(said, [], "nothing that the policy forbids is tried");
  await own.close();
}

const title = async (words) => assert.equal(await page.title(), `${words} - Accesses to child protection information`);
const link = (name) => page.getByRole("link", { name, exact: true });
const button = (name) => page.getByRole("button", { name });

const stories = {
  async "whoever is not let in reads why, and the address works once"() {
    await page.goto(origin);
    await page.getByRole("heading", { name: "You are not signed in here" }).waitFor();
    await check("not-in", "/");
    await page.goto(start);
    assert.equal(page.url(), `${origin}/`, "the token is not left in the address");
    await title("Newest accesses");
    const [cookie] = await without.cookies();
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.path], ["cpis-page", true, "Strict", "/"]);
    const other = await browser.newContext();
    const second = await other.newPage();
    await second.goto(start);
    await second.getByRole("heading", { name: "This address cannot be used" }).waitFor();
    await other.close();
  },

  async "with the keyboard one gets past the navigation, and sees where one is"() {
    await page.goto(origin);
    await page.keyboard.press("Tab");
    const skip = link("Skip to main content");
    assert.ok(await skip.isVisible());
    await picture(page, "focus");
    await page.keyboard.press("Enter");
    assert.ok(page.url().endsWith("#main"));
  },

  async "the newest accesses, by worker and by day, with what to mend"() {
    await page.goto(origin);
    await page.getByLabel("Whose children").selectOption("Marsh, Jo");
    await button("Show").click();
    assert.ok(!page.url().includes("Marsh"), page.url());
    assert.equal(await link("Case A1").count(), 3);
    assert.equal(await link("Case B2").count(), 0);
    await page.goto(origin);
    // The day of an access that is half an hour old, as its card says it.
    const card = page.getByRole("article").filter({ has: link("Case B2") });
    const [, day, , year] = (await card.innerText()).match(/Opened (\d+)-(\w+)-(\d{4})/);
    const month = String(new Date(`${(await card.innerText()).match(/\d+-\w+-\d{4}/)[0]} UTC`).getUTCMonth() + 1);
    await page.getByLabel("Day", { exact: true }).fill("32");
    await page.getByLabel("Month").fill(month);
    await page.getByLabel("Year").fill(year);
    await button("Show").click();
    await title("Error: Newest accesses");
    await page.getByRole("alert").getByRole("link", { name: "There is no such day" }).click();
    assert.ok(page.url().endsWith("#day"));
    await page.getByLabel("Day", { exact: true }).fill(day);
    await button("Show").click();
    assert.equal(await link("Case B2").count(), 1);
    assert.equal(await link("Case A1").count(), 0);
    await check("newest", "/");
    await check("newest-error", "/?day=31&month=11&year=2026");
    await page.goto(origin);
    await link("Older").click();
    await page.getByText("Page 2").waitFor();
    await check("newest-second", "/?page=2");
  },

  async "a case: who opened it, read by whom, and one access that nobody recognises"() {
    await page.goto(origin);
    await link("Case A1").first().click();
    await title("A child's accesses");
    const address = new URL(page.url()).pathname;
    assert.match(address, /^\/child\/[0-9a-f]{32}$/);
    await page.getByText("01793 604 020").first().waitFor();
    await check("child", address);
    await button("Mark 3 accesses as read").click();
    await page.getByRole("status").getByText("Marked as read").waitFor();
    assert.equal(await page.getByText("Read by jo.marsh").count(), 3);
    await link("I do not recognise this access").first().click();
    await check("report", new URL(page.url()).pathname);
    await page.getByLabel("What is odd about it? (optional)").fill("She was with me in London <b>that night</b>");
    await button("Report this access").click();
    await page.getByRole("status").getByText("Reported as not recognised").waitFor();
    await page.getByText("She was with me in London <b>that night</b>").waitFor();
    await check("child-reported", `${address}?done=reported`);
    // Loading again sends nothing again.
    await page.reload();
    assert.equal(await page.getByText("Not recognised, said").count(), 1);
  },

  async "emergency duty, the handover on paper, and what is to be placed"() {
    await link("Newest accesses").click();
    await page.getByRole("navigation").getByRole("link", { name: "Since the office closed" }).click();
    await title("The last 24 hours");
    await check("duty", "/duty");
    await link("Handover, for printing").click();
    await page.emulateMedia({ media: "print" });
    assert.ok(!(await page.getByRole("navigation").first().isVisible()), "what is not for paper is not on it");
    await picture(page, "handover-paper");
    await page.emulateMedia({ media: "screen" });
    await check("handover", "/duty/handover");
    await page.getByRole("link", { name: /^To be placed/ }).click();
    await page.getByText("no case with this local id is in the last extract").waitFor();
    await check("triage", "/triage");
    await page.getByRole("link", { name: /^Not recognised/ }).click();
    await page.getByRole("heading", { name: "Not recognised", exact: true }).waitFor();
    await check("not-recognised", "/not-recognised");
    await page.goto(`${origin}/child/${"0".repeat(32)}`);
    await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
    await check("nothing", "/nothing");
  },

  async "the checker is seen to find what is wrong"() {
    const own = await checked.newPage();
    await own.goto(origin);
    await own.evaluate(() => {
      document.querySelector("label[for=day]").remove();
      document.querySelector(".hint").style.color = "#bbb";
    });
    await own.evaluate(axe);
    const found = await own.evaluate(async () => (await window.axe.run()).violations.map((one) => one.id));
    assert.deepEqual(found.sort(), ["color-contrast", "label"]);
    await own.close();
  },

  async "nothing runs, nothing is fetched, and nothing is left in the browser"() {
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(origin);
    await page.getByText("<script>alert(1)</script>").first().waitFor();
    assert.deepEqual(asked, [`${origin}/`]);
    const evil = await without.newPage();
    await evil.route("http://127.0.0.2/**", (route) => route.fulfill({ contentType: "text/html",
      body: `<iframe src="${origin}/"></iframe><form method="post" action="${origin}/leave"><button>Win</button></form>` }));
    await evil.goto("http://127.0.0.2/");
    assert.equal(await evil.frames()[1]?.getByText("Case").count(), 0);
    await evil.getByRole("button", { name: "Win" }).click();
    await evil.getByText("This came from another website, and nothing was done").waitFor();
    await evil.close();
    await page.goto(origin);
    await title("Newest accesses");
    await button("Sign out").click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    assert.deepEqual(await without.cookies(), []);
    await page.goBack();
    await page.getByRole("heading", { name: "You are not signed in here" }).waitFor();
  },
};

let [passed, failed] = [0, 0];
for (const [name, story] of Object.entries(stories)) {
  try {
    await story();
    passed += 1;
    console.log(`passed  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
    await picture(page, `failed-${failed}`).catch(() => {});
    console.log(`        at ${page.url()}`);
  }
}
await browser.close();
console.log(`page: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
