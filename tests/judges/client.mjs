// The npm package `fhir-kit-client`, unmodified: search, retrieve, plans, history, flags, metadata.
// Prints one JSON object of what it was given.
import { randomUUID } from 'node:crypto';
import Client from 'fhir-kit-client';

const { base, token, number, system } = JSON.parse(process.argv[2]);

function at(path, header) {
    const customHeaders = { Authorization: `Bearer ${token}`, [header]: randomUUID() };
    return new Client({ baseUrl: base + path, customHeaders });
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
};
try {
    await people.read({ resourceType: 'Patient', id: '9999999999' });
} catch (error) {
    found.refused = error.response?.data;
}
console.log(JSON.stringify(found));
