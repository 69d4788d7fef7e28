// The npm package `fhir-kit-client`, as it comes: search, retrieve, plans, history, flags, metadata, and where to sign in.
// Prints one JSON object of what it was given.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Client from 'fhir-kit-client';

const { base, token, number, system, ca, cert, key } = JSON.parse(process.argv[2]);
const requestOptions = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };

function at(path, header) {
    const customHeaders = { [header]: randomUUID() };
    return new Client({ baseUrl: base + path, customHeaders, requestOptions, bearerToken: token });
}

const people = at('/personal-demographics/FHIR/R4', 'X-Request-ID');
const plans = at('/cpis/FHIR/R4', 'TraceID');
const flags = at('/patient-flags-api/FHIR/R4', 'TraceID');
const of = { 'patient:identifier': `${system}|${number}` };

const found = {
    search: await people.search({ resourceType: 'Patient', searchParams: { family: 'Bennett', birthdate: 'eq2019-03-12' } }),
    read: await people.read({ resourceType: 'Patient', id: number }),
    plans: await plans.search({ resourceType: 'CareTeam', searchParams: of }),
    history: await plans.search({ resourceType: 'AuditEvent', searchParams: of }),
    flags: await flags.search({ resourceType: 'Flag', searchParams: { patient: number } }),
    metadata: await plans.capabilityStatement(),
    smart: await plans.smartAuthMetadata(),
};
try {
    await people.read({ resourceType: 'Patient', id: '9999999999' });
} catch (error) {
    found.refused = error.response?.data;
}
console.log(JSON.stringify(found));
