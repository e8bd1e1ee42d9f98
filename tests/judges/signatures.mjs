// Verifies DKIM signatures with mailauth: node signatures.mjs RECORDS.json < list of
// paths, one a line. RECORDS.json is {name: value of its TXT record}; no other name
// server is asked. Prints a JSON array.
import { readFileSync } from 'node:fs';

import { dkimVerify } from 'mailauth/lib/dkim/verify.js';

const records = JSON.parse(readFileSync(process.argv[2], 'utf8'));

async function resolver(name, type) {
  if (type !== 'TXT' || !Object.hasOwn(records, name)) {
    throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
  }
  return [[records[name]]];
}

const paths = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const found = [];
for (const path of paths) {
  const { results } = await dkimVerify(readFileSync(path), { resolver });
  found.push({
    path,
    signatures: results.map(({ signingDomain, selector, algo, format, status }) => ({
      domain: signingDomain || null,
      selector: selector || null,
      algorithm: algo || null,
      format: format || null,
      result: status.result,
      comment: status.comment || null,
      aligned: status.aligned || null,
    })),
  });
}
process.stdout.write(JSON.stringify(found));
