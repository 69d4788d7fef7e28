// What a viewer does to sign in, as the manual says it, written without any of the project's code.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import http from "node:http";

const letters = (bytes) => Buffer.from(bytes).toString("base64url");
const sha256 = (text) => createHash("sha256").update(text).digest();

export class Viewer {
  constructor(hub) {
    this.hub = hub;
    this.keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { crv, kty, x, y } = this.keys.publicKey.export({ format: "jwk" });
    this.jwk = { crv, kty, x, y };
    this.thumbprint = letters(sha256(JSON.stringify(this.jwk)));
    this.state = letters(randomBytes(16));
    this.verifier = letters(randomBytes(32));
  }

  // Listens for the browser; its answer is what comes to /signed-in.
  async listen() {
    this.answer = new Promise((tell) => {
      this.server = http.createServer((request, response) => {
        const url = new URL(request.url, "http://127.0.0.1");
        response.setHeader("Content-Type", "text/html");
        response.end("<!doctype html><title>Viewer</title><h1>Go back to the viewer</h1>");
        if (url.pathname === "/signed-in") tell(url.searchParams);
      });
    });
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.redirect = `http://127.0.0.1:${this.server.address().port}/signed-in`;
    const asked = { response_type: "code", client_id: "cpis-viewer", redirect_uri: this.redirect, state: this.state,
      code_challenge: letters(sha256(this.verifier)), code_challenge_method: "S256", dpop_jkt: this.thumbprint,
      device: "ED triage 2" };
    return `${this.hub}/authorize?${new URLSearchParams(asked)}`;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  proof(method, path, token) {
    const header = { typ: "dpop+jwt", alg: "ES256", jwk: this.jwk };
    const claims = { jti: letters(randomBytes(16)), htm: method, htu: this.hub + path, iat: Math.floor(Date.now() / 1000),
      nonce: this.nonce, ...(token && { ath: letters(sha256(token)) }) };
    const message = `${letters(JSON.stringify(header))}.${letters(JSON.stringify(claims))}`;
    const signature = sign("sha256", Buffer.from(message), { key: this.keys.privateKey, dsaEncoding: "ieee-p1363" });
    return `${message}.${letters(signature)}`;
  }

  // Asks, and once more with the nonce of the first answer.
  async ask(method, path, { form, token } = {}) {
    for (let turn = 0; ; turn += 1) {
      const headers = { DPoP: this.proof(method, path, token) };
      if (token) headers.Authorization = `DPoP ${token}`;
      const answer = await fetch(this.hub + path, { method, headers, body: form && new URLSearchParams(form) });
      this.nonce = answer.headers.get("dpop-nonce") ?? this.nonce;
      const text = await answer.text();
      const wants = text.includes("use_dpop_nonce") || (answer.headers.get("www-authenticate") ?? "").includes("use_dpop_nonce");
      if (!wants || turn > 0) return { status: answer.status, text, json: () => JSON.parse(text) };
    }
  }

  change(code) {
    return this.ask("POST", "/token", { form: { grant_type: "authorization_code", code, redirect_uri: this.redirect,
      client_id: "cpis-viewer", code_verifier: this.verifier } });
  }
}
