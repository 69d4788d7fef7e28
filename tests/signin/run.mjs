// Signing in for real: the hub's program with TLS, a certified provider that is not ours, and Chromium between them.
//
//   CPIS_HUB=... SIGNIN_OUT=... node run.mjs        pictures of the pages are left in SIGNIN_OUT
//
// Ends with "signin: N passed, M failed".

import fs from "node:fs";
import tls from "node:tls";
import assert from "node:assert/strict";
import { begin as beginScene, logIn } from "./scene.mjs";
import { Viewer } from "./viewer.mjs";

const scene = await beginScene(process.env.SIGNIN_OUT);
const { file, hub, hubPort, providerPort, provider, browser, audited } = scene;
// The viewer here trusts this certificate, and no other.
tls.setDefaultCACertificates([fs.readFileSync(file("hub.pem"), "utf8")]);

// Whatever must be in no log.
const secrets = new Set(["OKAFOR", "EVANS", "eyJ"]);
const SECRET = new Set(["code", "state", "ticket", "nonce", "code_challenge", "id_token_hint"]);

function isSecret(page) {
  page.on("request", (request) => {
    for (const [name, value] of new URL(request.url()).searchParams) if (SECRET.has(name) && value.length > 8) secrets.add(value);
  });
}

// Somebody before a browser of their own, as far as the hub's page.
async function begin(who, pin = "1234", context = undefined) {
  const own = context ?? await browser.newContext({ ignoreHTTPSErrors: true });
  const [page, viewer] = [await own.newPage(), new Viewer(hub)];
  isSecret(page);
  // Where nobody answers there is a page all the same: the browser's own.
  await page.goto(await viewer.listen()).catch(() => {});
  await logIn(page, who, pin);
  return { page, viewer, context: own };
}

async function signIn(who) {
  const it = await begin(who);
  await it.page.getByRole("button", { name: "Sign in", exact: true }).click();
  const answer = await it.viewer.answer;
  assert.equal(answer.get("state"), it.viewer.state);
  assert.equal(answer.get("iss"), hub);
  const granted = await it.viewer.change(answer.get("code"));
  assert.equal(granted.status, 200, granted.text);
  const { access_token, refresh_token } = granted.json();
  for (const secret of [access_token, refresh_token, answer.get("code"), it.viewer.verifier]) secrets.add(secret);
  return { ...it, ...granted.json(), code: answer.get("code") };
}

const works = async (it) => (await it.viewer.ask("GET", "/metadata", { token: it.access_token })).status;

const stories = {
  async "a nurse signs in, works, renews, signs out here and there"() {
    const it = await begin("sam");
    const { page, viewer } = it;
    assert.equal(new URL(page.url()).pathname, "/sign-in");
    assert.equal(new URL(page.url()).search, "", "nothing of the provider's is left in the address");
    for (const said of ["OKAFOR Sam (Mr)", "Nurse Access Role", "GREAT WESTERN HOSPITAL", "ED triage 2", `127.0.0.1:${hubPort}`]) {
      await page.getByText(said, { exact: true }).waitFor();
    }
    const [cookie] = (await it.context.cookies(hub)).filter((one) => one.name.includes("cpis"));
    secrets.add(cookie.value);
    assert.deepEqual([cookie.name, cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.path],
      ["__Host-cpis-sign-in", true, true, "Lax", "/"]);
    await page.screenshot({ path: file("page.png") });
    // With the keyboard alone.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const answer = await viewer.answer;
    await page.waitForURL("http://127.0.0.1:*/signed-in**");
    assert.equal((await it.context.cookies(hub)).filter((one) => one.name.includes("cpis")).length, 0);
    const granted = await viewer.change(answer.get("code"));
    assert.equal(granted.status, 200, granted.text);
    const first = granted.json();
    assert.deepEqual(first.person, { id: "910000000001", name: "OKAFOR Sam (Mr)", role: "Nurse Access Role", organisation: "GREAT WESTERN HOSPITAL",
      organisation_code: "RN3", activities: ["B0107", "B0264"], rights: ["search-people", "view-and-notify"] });
    assert.equal(await works({ viewer, ...first }), 200);
    const renewed = (await viewer.ask("POST", "/token", { form: { grant_type: "refresh_token", refresh_token: first.refresh_token } })).json();
    for (const secret of [first.access_token, first.refresh_token, renewed.access_token, renewed.refresh_token]) secrets.add(secret);
    assert.equal(await works({ viewer, ...renewed }), 200);
    const ended = (await viewer.ask("POST", "/revoke", { form: { token: renewed.refresh_token } })).json();
    assert.equal(await works({ viewer, ...renewed }), 401);
    await page.goto(ended.end_session);
    assert.equal(new URL(page.url()).port, String(providerPort), "at the provider");
    await page.getByRole("button", { name: "Yes, sign me out" }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    viewer.close();
    // And there, too: the next one is asked for name and PIN.
    const next = await begin("sam", "1234", it.context);
    await next.page.getByRole("heading", { name: "Sign in at this computer?" }).waitFor();
    next.viewer.close();
  },

  async "whoever has chosen no role chooses one, and what others wrote is text"() {
    const { page, viewer } = await begin("ruth");
    await page.getByText("EVANS Ruth (Mrs) <b>&", { exact: true }).waitFor();
    await page.screenshot({ path: file("roles.png") });
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    assert.equal(new URL(page.url()).pathname, "/sign-in", "not without a role");
    await page.getByRole("radio", { name: /Midwife Access Role/ }).check();
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    const granted = (await viewer.change((await viewer.answer).get("code"))).json();
    assert.deepEqual([granted.person.role, granted.person.activities], ["Midwife Access Role", ["B0170", "B0264"]]);
    assert.match(audited(), /role-picked\tpicked\t910000000002/);
    viewer.close();
  },

  async "a pulled smartcard ends the session here within two seconds"() {
    const it = await signIn("sam");
    assert.equal(await works(it), 200);
    // What a card that is pulled does: the person's session at the provider ends there.
    await it.page.goto(`http://127.0.0.1:${providerPort}/session/end`);
    const since = Date.now();
    await it.page.getByRole("button", { name: "Yes, sign me out" }).click();
    while (await works(it) !== 401) assert.ok(Date.now() - since < 2000, "still good after two seconds");
    assert.match(audited(), /session-ended\tprovider\t910000000001/);
    it.viewer.close();
  },

  async "what has ended is ended for a hub that was killed and starts again"() {
    const [card, out, goesOn] = [await signIn("sam"), await signIn("sam"), await signIn("sam")];
    await card.page.goto(`http://127.0.0.1:${providerPort}/session/end`);
    await card.page.getByRole("button", { name: "Yes, sign me out" }).click();
    assert.equal((await out.viewer.ask("POST", "/revoke", { form: { token: out.refresh_token } })).status, 200);
    while (await works(card) !== 401);
    await scene.restart();
    assert.deepEqual([await works(card), await works(out), await works(goesOn)], [401, 401, 200]);
    for (const it of [card, out, goesOn]) it.viewer.close();
  },

  async "whoever does not want to is not signed in"() {
    const { page, viewer } = await begin("sam");
    await page.getByRole("button", { name: "Do not sign in" }).click();
    const answer = await viewer.answer;
    assert.deepEqual([answer.get("error"), answer.get("code"), answer.get("iss")], ["access_denied", null, hub]);
    viewer.close();
  },

  async "a wrong PIN, a weak way and a role that is none are refused, with the way back"() {
    const wrong = await begin("sam", "0000");
    assert.equal((await wrong.viewer.answer).get("error"), "access_denied");
    wrong.viewer.close();
    for (const [who, pin, said, noted] of [["sam", "weak", "smartcard or security key", "acr"],
      ["lost", "1234", "none of your roles", "role-not-theirs"]]) {
      const { page, viewer } = await begin(who, pin);
      await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
      await page.getByText(said).waitFor();
      await page.screenshot({ path: file(`refused-${noted}.png`) });
      await page.getByRole("link", { name: "Go back to the viewer" }).click();
      assert.equal((await viewer.answer).get("error"), "access_denied");
      assert.match(audited(), new RegExp(`sign-in-refused\t${noted}\t91000000000`));
      viewer.close();
    }
  },

  async "another browser, a frame and a copied code get nowhere"() {
    const it = await begin("sam");
    const form = await it.page.locator("input[name=form]").inputValue();
    const other = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    await other.goto(`${hub}/sign-in`);
    await other.getByRole("heading", { name: "This sign-in cannot go on" }).waitFor();
    // A page of somebody else's in the same browser: it can neither show the page nor send its form.
    const evil = await it.context.newPage();
    await evil.route("http://127.0.0.2/**", (route) => route.fulfill({ contentType: "text/html",
      body: `<iframe src="${hub}/sign-in"></iframe><form method="post" action="${hub}/sign-in"><input name="form" value="${form}"><button name="answer" value="sign-in">Win</button></form>` }));
    await evil.goto("http://127.0.0.2/");
    await assert.rejects(evil.frameLocator("iframe").getByRole("button", { name: "Sign in" }).waitFor({ timeout: 1500 }));
    await evil.getByRole("button", { name: "Win" }).click();
    await evil.getByRole("heading", { name: "This sign-in cannot go on" }).waitFor();
    // Its own page still works, and its code is good once.
    await it.page.getByRole("button", { name: "Sign in", exact: true }).click();
    const code = (await it.viewer.answer).get("code");
    const granted = (await it.viewer.change(code)).json();
    assert.equal(await works({ viewer: it.viewer, ...granted }), 200);
    const again = await it.viewer.change(code);
    assert.deepEqual([again.status, again.json().error], [400, "invalid_grant"]);
    assert.equal(await works({ viewer: it.viewer, ...granted }), 401, "who shows a code again ends its session");
    it.viewer.close();
  },

  async "the hub proves itself with each kind of key and with a secret, and is believed with no other"() {
    const key = (name, id, alg) => `key = "${name}"\nkey_id = "${id}"${alg ? `\nkey_algorithm = "${alg}"` : ""}`;
    for (const [client, proof] of [
      ["cpis-hub-RS256", key("rsa.pem", "hub-2", "RS256")],
      // What is taken where nothing is said.
      ["cpis-hub-RS512", key("rsa.pem", "hub-2")],
      ["cpis-hub-PS256", key("rsa.pem", "hub-2", "PS256")],
      ["cpis-hub-basic", 'secret = "secret"'],
    ]) {
      scene.configure(client, proof);
      await scene.restart();
      const it = await signIn("sam");
      assert.equal(await works(it), 200, client);
      it.viewer.close();
    }
    // A proof that is not the one that was agreed: the provider refuses it, and nobody is signed in.
    for (const [client, proof] of [
      ["cpis-hub-RS256", key("rsa.pem", "hub-2", "RS512")],
      ["cpis-hub-basic", 'secret = "client.pem"'],
    ]) {
      scene.configure(client, proof);
      await scene.restart();
      const { page, viewer } = await begin("sam");
      await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
      viewer.close();
    }
    scene.configure("cpis-hub", key("client.pem", "hub-1", "ES256"));
    await scene.restart();
  },

  async "where the provider is gone, nobody is signed in and the hub goes on"() {
    provider.kill();
    const { page, viewer } = await begin("sam");
    // What it offers is known for an hour: the browser meets nobody there.
    assert.equal(await page.getByRole("heading", { name: "Sign in at this computer?" }).count(), 0);
    assert.equal((await fetch(`${hub}/healthz`)).status, 200, "the hub goes on");
    viewer.close();
  },

  async "nothing of all this is in what the hub says of itself"() {
    const log = fs.readFileSync(file("hub.log"), "utf8");
    for (const line of ["the provider has ended sessions", "a session has ended because its code was shown again"]) assert.ok(log.includes(line), line);
    assert.ok(secrets.size > 50, `${secrets.size}`);
    for (const secret of secrets) assert.ok(!log.includes(secret), `${secret} is in the log`);
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
    const pages = browser.contexts().flatMap((context) => context.pages());
    await pages.at(-1)?.screenshot({ path: file(`failed-${failed}.png`) }).catch(() => {});
    console.log(`        at ${pages.at(-1)?.url()}`);
  }
}
await scene.end();
console.log(`signin: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
