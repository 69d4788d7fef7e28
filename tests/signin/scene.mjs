// A hub with TLS, the certified provider, and Chromium: what the stories of signing in are told with.

import { execFileSync, spawn } from "node:child_process";
import { createPublicKey } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { chromium } from "playwright-core";

const here = import.meta.dirname;
const free = () => new Promise((done) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

// Starts all of it in the folder `out`. What stands between hub and everybody else, if anything, listens on `front`.
export async function begin(out, { front, wholeHours = 12, people } = {}) {
  const file = (name) => path.join(out, name);
  const openssl = (...words) => execFileSync("openssl", words, { cwd: out, stdio: ["ignore", "ignore", "pipe"] });
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(out, { recursive: true });

  // Runs until the line that says that it is ready.
  const start = (program, words, ready, options = {}) => {
    const child = spawn(program, words, { cwd: out, stdio: ["ignore", "pipe", fs.openSync(file("log"), "a")], ...options });
    return new Promise((done, fail) => {
      child.stdout.on("data", (said) => said.toString().includes(ready) && done(child));
      child.on("exit", (code) => fail(new Error(`${program} ended with ${code}: ${fs.readFileSync(file("log"))}`)));
    });
  };

  const [hubPort, providerPort] = [await free(), await free()];
  const hub = `https://127.0.0.1:${front ?? hubPort}`;
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "signing.pem");
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "client.pem");
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tls.pem", "-out", "hub.pem",
    "-days", "2", "-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE");
  openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem");
  const secret = "a secret of the tests, with : and % and +";
  fs.writeFileSync(file("secret"), secret);
  for (const own of ["signing.pem", "client.pem", "rsa.pem", "tls.pem", "secret"]) fs.chmodSync(file(own), 0o600);
  // With what the hub proves itself at the provider.
  const configure = (client, proof) => fs.writeFileSync(file("hub.toml"), `
listen = "127.0.0.1:${hubPort}"
issuer = "${hub}"
database = "hub.db"
signing_key = "signing.pem"
[rights]
B0264 = ["search-people"]
B0107 = ["view-and-notify"]
B0170 = ["view-silently"]
[tls]
certificate = "hub.pem"
key = "tls.pem"
[provider]
issuer = "http://127.0.0.1:${providerPort}"
client_id = "${client}"
${proof}
max_age_minutes = 60
[[provider.level]]
acr = "AAL3_ANY"
idle_minutes = 15
whole_hours = ${wholeHours}
[[provider.demand]]
claim = "id_assurance_level"
values = ["3"]
[[site]]
id = "gwh-ed"
organisation_code = "RN3"
setting = "Emergency department"
name = "Great Western Hospital"
department = "Emergency department"
call_back = "01793 604020"
contact = "in-person"
`);
  configure("cpis-hub", 'key = "client.pem"\nkey_id = "hub-1"\nkey_algorithm = "ES256"');
  const jwk = (name, more) => ({ ...createPublicKey(fs.readFileSync(file(name))).export({ format: "jwk" }), use: "sig", ...more });
  const [key, rsa] = [jwk("client.pem", { kid: "hub-1", alg: "ES256" }), jwk("rsa.pem", { kid: "hub-2" })];
  if (people) {
    fs.writeFileSync(file("people.ndjson"), people.map((line) => `${JSON.stringify(line)}\n`).join(""));
    execFileSync(process.env.CPIS_HUB, ["load", "--config", "hub.toml", "--synthetic", "people.ndjson"], { cwd: out, stdio: ["ignore", "ignore", "inherit"] });
  }
  const provider = await start(process.execPath, [path.join(here, "provider.mjs"), JSON.stringify({ port: providerPort, hub, direct: `https://127.0.0.1:${hubPort}`, key, rsa, secret })], "ready",
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: file("hub.pem") } });
  // It says all that it can, to a file of its own.
  const serve = () => start(process.env.CPIS_HUB, ["serve", "--config", "hub.toml"], "listens on",
    { env: { ...process.env, RUST_LOG: "trace" }, stdio: ["ignore", "pipe", fs.openSync(file("hub.log"), "a")] });
  const program = await serve();
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const scene = {
    file, hub, hubPort, providerPort, provider, program, browser, configure,
    audited: () => execFileSync(process.env.CPIS_HUB, ["audit", "--config", "hub.toml", "--since", "2000-01-01T00:00:00Z"],
      { cwd: out, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
    async kill() {
      scene.program.removeAllListeners("exit");
      const gone = new Promise((done) => scene.program.once("exit", done));
      scene.program.kill("SIGKILL");
      await gone;
    },
    // With another key for its tokens: none of before is good any more.
    async startWithAnotherKey() {
      openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "signing.pem");
      scene.program = await serve();
    },
    // The hub is killed, and starts again.
    async restart() {
      await scene.kill();
      scene.program = await serve();
    },
    async end() {
      await browser.close();
      for (const child of [scene.program, provider]) {
        child.removeAllListeners("exit");
        child.kill("SIGCONT");
        child.kill();
      }
    },
  };
  return scene;
}

// Signs in at the provider, if it asks.
export async function logIn(page, who, pin) {
  if (await page.getByLabel("PIN").count()) {
    await page.getByLabel("Name").fill(who);
    await page.getByLabel("PIN").fill(pin);
    await page.getByRole("button", { name: "Continue" }).click();
  }
}
