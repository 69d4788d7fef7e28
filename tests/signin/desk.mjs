// The browser's side of a story at a real window: hub, provider and Chromium, and a line of JSON on standard input for each
// thing that the person does there. Answers are lines of JSON. The Python side is browser.py.
//
//   CPIS_HUB=... node desk.mjs FOLDER OPENED [WHOLE_HOURS]
//
// OPENED is the file into which "the system's browser" writes the addresses that the viewer opens.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import readline from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { begin, logIn } from "./scene.mjs";

const [out, opened, wholeHours] = process.argv.slice(2);
const PATIENCE = Number(process.env.CPIS_DESK_PATIENCE ?? 60) * 1000;

// What stands between the hub and everybody else: it can be cut, and put back.
class Relay {
  sockets = new Set();
  server = net.createServer((here) => {
    const there = net.connect(this.target, "127.0.0.1");
    for (const [one, other] of [[here, there], [there, here]]) {
      this.sockets.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  });

  async listen(port = 0) {
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.port = this.server.address().port;
  }

  async cut() {
    const closed = new Promise((done) => this.server.close(done));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

const days = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
const NUMBER = "9990000018";
const identifier = { system: "https://fhir.nhs.uk/Id/nhs-number", value: NUMBER };
const people = [
  { resourceType: "Patient", id: NUMBER, identifier: [identifier], name: [{ use: "usual", family: "Hart", given: ["Amelia"] }],
    gender: "female", birthDate: "2019-07-14" },
  { resourceType: "CareTeam", meta: { lastUpdated: `${days(1)}T02:00:00Z` },
    identifier: [{ system: "https://fhir.cpis.example/Id/local-id", value: "child-1" }],
    category: [{ coding: [{ system: "http://snomed.info/sct", code: "342191000000101" }] }],
    name: "Wexcombe Borough Council", subject: { identifier }, period: { start: days(90) },
    telecom: [{ system: "phone", value: "01632 960101", use: "work" }, { system: "phone", value: "01632 960102", use: "mobile" }],
    managingOrganization: [{ identifier: { system: "https://fhir.nhs.uk/Id/ods-organization-code", value: "ZZ301" } }] },
];

const relay = new Relay();
await relay.listen();
const scene = await begin(out, { front: relay.port, wholeHours, people });
relay.target = scene.hubPort;

// One browser of one computer: who is signed in at the provider stays so between the pages.
const context = await scene.browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1100, height: 720 } });
context.setDefaultTimeout(PATIENCE);
let [page, seen] = [undefined, 0];

const does = {
  // The next address that the viewer has opened, in a new page. Not `afresh`: as of somebody who takes that the provider has to
  // ask who it is out of the browser's address.
  async opened({ afresh = true }) {
    for (const until = Date.now() + PATIENCE; Date.now() < until; await pause(100)) {
      const lines = fs.existsSync(opened) ? fs.readFileSync(opened, "utf8").split("\n").slice(0, -1) : [];
      if (lines.length > seen) {
        page = await context.newPage();
        await page.goto(afresh ? lines[seen] : lines[seen].replace("&prompt=login", ""));
        seen += 1;
        return { opened: lines[seen - 1], at: page.url() };
      }
    }
    throw new Error("the viewer has opened no address");
  },
  async logIn({ who, pin }) {
    await logIn(page, who, pin);
  },
  async press({ name, role = "button" }) {
    await page.getByRole(role, { name, exact: true }).click();
  },
  async choose({ name }) {
    await page.getByRole("radio", { name: new RegExp(name) }).check();
  },
  // The words of the page, once these are among them.
  async read({ words }) {
    await page.getByText(words).first().waitFor();
    return { text: await page.locator("body").innerText(), at: page.url() };
  },
  async picture({ path }) {
    await page.screenshot({ path });
  },
  // What a smartcard that is taken out does: the person's session at the provider ends there.
  async takeOutCard() {
    const there = await context.newPage();
    await there.goto(`http://127.0.0.1:${scene.providerPort}/session/end`);
    await there.getByRole("button", { name: "Yes, sign me out" }).click();
    await there.waitForLoadState();
    await there.close();
  },
  async cut() {
    await relay.cut();
  },
  async putBack() {
    await relay.listen(relay.port);
  },
  // The hub is there, and answers nobody.
  async freeze() {
    scene.program.kill("SIGSTOP");
  },
  async thaw() {
    scene.program.kill("SIGCONT");
  },
  async kill() {
    await scene.kill();
  },
  async startWithAnotherKey() {
    await scene.startWithAnotherKey();
  },
  async audit() {
    return { text: scene.audited() };
  },
};

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
say({ hub: scene.hub, certificate: scene.file("hub.pem"), database: scene.file("hub.db") });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { does: what, ...how } = JSON.parse(line);
  try {
    say({ ...(await does[what](how)) });
  } catch (error) {
    say({ failed: `${what}: ${error.message}`, at: page?.url() });
  }
}
await scene.end();
process.exit(0);
