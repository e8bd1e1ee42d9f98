// Reads messages with mailparser: node messages.mjs < list of paths, one a line.
// Prints a JSON array: headers as written, MIME tree, text, HTML and attachments.
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { simpleParser } from 'mailparser';

// mailsplit comes with mailparser: it tells the parts.
const inside = createRequire(createRequire(import.meta.url).resolve('mailparser'));
const { Splitter } = inside('mailsplit');

// The parts in the order of the message, each with its number of parents.
async function readTree(path) {
  const parts = [];
  const nodes = createReadStream(path).pipe(new Splitter());
  for await (const node of nodes) {
    if (node.type !== 'node') {
      continue;
    }
    let depth = 0;
    for (let parent = node.parentNode; parent; parent = parent.parentNode) {
      depth += 1;
    }
    parts.push({
      depth,
      type: node.contentType,
      encoding: node.encoding || '7bit',
      disposition: node.disposition || null,
      filename: node.filename || null,
      charset: node.charset || null,
      header: node.headers.getFirst('content-type'),
    });
  }
  return parts;
}

function person(field) {
  return field ? field.value.map(({ name, address }) => ({ name, address })) : [];
}

async function readMessage(path) {
  const parsed = await simpleParser(readFileSync(path), {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
  });
  return {
    path,
    tree: await readTree(path),
    headers: parsed.headerLines.map(({ key, line }) => ({ key, line })),
    subject: parsed.subject,
    from: person(parsed.from),
    to: person(parsed.to),
    replyTo: person(parsed.replyTo),
    date: parsed.date ? parsed.date.toISOString() : null,
    messageId: parsed.messageId,
    text: parsed.text,
    html: parsed.html || null,
    attachments: parsed.attachments.map((a) => ({
      type: a.contentType,
      filename: a.filename || null,
      cid: a.cid || null,
      disposition: a.contentDisposition,
      size: a.size,
      sha256: createHash('sha256').update(a.content).digest('hex'),
      text: a.contentType === 'text/calendar' || a.contentType === 'application/ics'
        ? a.content.toString('utf8') : null,
    })),
  };
}

const paths = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const found = [];
for (const path of paths) {
  found.push(await readMessage(path));
}
process.stdout.write(JSON.stringify(found));
