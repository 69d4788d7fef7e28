// The npm package `fhir`: reads resources, one a line, and answers one line each: [] or what is wrong.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(`${process.env.JUDGES_NODE}/node_modules/`);
const { Fhir } = require('fhir');
const fhir = new Fhir();

for await (const line of readline.createInterface({ input: process.stdin })) {
    const { valid, messages } = fhir.validate(JSON.parse(line), { errorOnUnexpected: true });
    const wrong = messages.filter((message) => message.severity !== 'info');
    const told = wrong.map(({ severity, location, message }) => `${severity} at ${location}: ${message}`);
    console.log(JSON.stringify(valid && told.every((text) => !text.startsWith('error')) ? [] : told));
}
