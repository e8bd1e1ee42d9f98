// node nodemailer.mjs PORT CONNECTIONS COUNT BYTES: nodemailer's pool, one text each.
import { createRequire } from "node:module";

const require = createRequire(new URL("../judges/package.json", import.meta.url));
const nodemailer = require("nodemailer");
const [port, connections, count, bytes] = process.argv.slice(2).map(Number);

const pool = nodemailer.createTransport({
  host: "127.0.0.1",
  port,
  ignoreTLS: true,
  pool: true,
  maxConnections: connections,
  maxMessages: Infinity,
});
const line = "A call of the fund is open for small organisations of the region.\r\n";
const text = line.repeat(Math.ceil(bytes / line.length));
const sends = [];
for (let i = 0; i < count; i++) {
  sends.push(pool.sendMail({
    from: "a@bench.example",
    to: `member${i}@members.example`,
    subject: "Bench",
    text: `Dear Member Number ${i},\r\n${text}`,
  }));
}
await Promise.all(sends);
pool.close();
