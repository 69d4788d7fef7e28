// The npm package `fhir`: reads resources, one a line, and answers one line each: [] or what is wrong.
import fhirPackage from 'fhir';
import readline from 'node:readline';

const fhir = new fhirPackage.Fhir();

for await (const line of readline.createInterface({ input: process.stdin })) {
    const { valid, messages } = fhir.validate(JSON.parse(line), { errorOnUnexpected: true });
    const wrong = messages.filter((message) => message.severity !== 'info');
    const told = wrong.map(({ severity, location, message }) => `${severity} at ${location}: ${message}`);
    console.log(JSON.stringify(valid && told.every((text) => !text.startsWith('error')) ? [] : told));
}
