// Asks the tables of caniemail what mail programs cannot do with an HTML part:
// node clients.mjs < list of paths, one a line. Prints a JSON array.
import { readFileSync } from 'node:fs';

import { doIUseEmail } from '@jsx-email/doiuse-email';

const CLIENTS = ['gmail.*', 'outlook.*', 'apple-mail.*'];

const paths = readFileSync(0, 'utf8').split('\n').filter(Boolean);
process.stdout.write(JSON.stringify(paths.map((path) => {
  const { errors = [], warnings = [], notes = [] } = doIUseEmail(readFileSync(path, 'utf8'), {
    emailClients: CLIENTS,
  });
  return { path, errors, warnings, notes };
})));
