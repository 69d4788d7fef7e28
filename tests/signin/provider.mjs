// The certified provider (npm's oidc-provider), with people described as CIS2 describes them and a sign-in page of its own.
// Its argument is JSON: { port, hub, direct, key, rsa, secret } - the hub's address, where the provider itself reaches it, the public
// keys with one of which the hub proves itself, and a secret that may stand in their place. Each way to prove it is a client here.

import { Provider, interactionPolicy } from "oidc-provider";

const { port, hub, direct, key, rsa, secret } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const role = (id, code, organisation, job, activity_codes) => ({
  person_orgid: `${id}0`, person_roleid: id, org_code: organisation, role_code: `S8000:G8000:${code}`,
  role_name: `"Clinical":"Clinical Provision":"${job}"`, activities: [], activity_codes,
});
const nurse = role("555021935107", "R8001", "RN3", "Nurse Access Role", ["B0107", "B0264", "B8999"]);
const midwife = role("555021935108", "R8002", "RA9", "Midwife Access Role", ["B0170", "B0264"]);
const orgs = [{ org_code: "RN3", org_name: "GREAT WESTERN HOSPITAL" }, { org_code: "RA9", org_name: "TORBAY HOSPITAL" }];
const person = (uid, name, roles, selected) => ({
  sub: uid, nhsid_useruid: uid, name, id_assurance_level: "3", nhsid_nrbac_roles: roles, nhsid_user_orgs: orgs,
  ...(selected && { selected_roleid: selected }),
});
const people = {
  sam: person("910000000001", "OKAFOR Sam (Mr)", [nurse], nurse.person_roleid),
  ruth: person("910000000002", "EVANS Ruth (Mrs) <b>&", [nurse, midwife]),
  lost: person("910000000003", "LOST Leon (Mr)", [nurse], "999999999999"),
};

const policy = interactionPolicy.base();
policy.remove("consent");

const client = (client_id, proof) => ({
  client_id, ...proof, application_type: "web", grant_types: ["authorization_code"], response_types: ["code"],
  redirect_uris: [`${hub}/sign-in/back`], post_logout_redirect_uris: [`${hub}/signed-out`],
  backchannel_logout_uri: `${direct}/backchannel-logout`, backchannel_logout_session_required: true,
  require_auth_time: true,
});
const withKey = (alg, one) => ({ token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: alg, jwks: { keys: [one] } });

const provider = new Provider(issuer, {
  clients: [
    client("cpis-hub", withKey("ES256", key)),
    ...["RS256", "RS512", "PS256"].map((alg) => client(`cpis-hub-${alg}`, withKey(alg, rsa))),
    client("cpis-hub-basic", { token_endpoint_auth_method: "client_secret_basic", client_secret: secret }),
  ],
  enabledJWA: { clientAuthSigningAlgValues: ["ES256", "RS256", "RS512", "PS256"] },
  acrValues: ["AAL3_ANY", "AAL1_USERPASS"],
  claims: {
    openid: ["sub"], profile: ["name"], nationalrbacaccess: ["nhsid_useruid", "nhsid_nrbac_roles", "id_assurance_level"],
    associatedorgs: ["nhsid_user_orgs"], selectedrole: ["selected_roleid"], acr: null, auth_time: null, iss: null, sid: null,
  },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  pkce: { required: () => true },
  interactions: { policy, url: (ctx, interaction) => `/sign-in-here/${interaction.uid}` },
  // It asks no address of its own computer otherwise; the hub is one here.
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
  findAccount: (ctx, id) => {
    const who = Object.values(people).find((one) => one.sub === id);
    return who && { accountId: id, claims: () => who };
  },
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope([...ctx.oidc.requestParamScopes].join(" "));
    await grant.save();
    return grant;
  },
  cookies: { keys: ["a key of the tests"] },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 60, AuthorizationCode: 60, IdToken: 300 },
});

// Its own sign-in page: a name, and a PIN that is 1234 (or says how it is to go).
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/sign-in-here/")) return next();
  if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = `<!doctype html><html lang="en"><title>Care identity</title><h1>Care identity</h1>
      <form method="post"><label>Name <input name="who" autofocus></label><label>PIN <input name="pin" type="password"></label>
      <button>Continue</button></form>`;
    return undefined;
  }
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  const sent = new URLSearchParams(Buffer.concat(chunks).toString());
  const who = people[sent.get("who")];
  const pin = sent.get("pin");
  // With the PIN "late" they have shown who they are nearly an hour ago.
  const ts = Math.floor(Date.now() / 1000) - (pin === "late" ? 3600 - 120 : 0);
  const result = who && ["1234", "weak", "late"].includes(pin)
    ? { login: { accountId: who.sub, acr: pin === "weak" ? "AAL1_USERPASS" : "AAL3_ANY", remember: false, ts } }
    : { error: "access_denied", error_description: "not known" };
  ctx.status = 303;
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }));
  return undefined;
});

provider.on("backchannel.error", (ctx, error) => console.error(`back channel: ${error.cause ?? error}`));
provider.on("server_error", (ctx, error) => console.error(`provider: ${error.stack}`));

provider.listen(port, "127.0.0.1", () => console.log("ready"));
